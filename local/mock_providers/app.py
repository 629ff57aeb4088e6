"""The application: the providers, with the control API beside them."""

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from local.mock_providers.control import Control
from local.mock_providers.journal import Journal
from local.mock_providers.scripts import ScriptQueue
from local.mock_providers.service import MockProviders


def make_app() -> ASGIApp:
    """Provider calls go straight to the service: routing and middleware would double their cost."""
    journal = Journal()
    scripts = ScriptQueue()
    providers = MockProviders(journal, scripts)
    control = Starlette(routes=[Mount("/_mock", routes=Control(journal, scripts).routes())])

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        is_control = scope["type"] != "http" or scope["path"].startswith("/_mock")
        await (control if is_control else providers)(scope, receive, send)

    return app
