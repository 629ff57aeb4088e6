"""The application: the providers, with the control API beside them."""

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from mock_llm.serving.control import Control
from mock_llm.serving.journal import Journal
from mock_llm.serving.service import MockProviders
from mock_llm.writing.scripts import ScriptQueue


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
