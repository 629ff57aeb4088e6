"""The command line: `python -m mock_llm --port 8788`."""

from typing import Annotated

import typer

import mock_llm
from mock_llm.serving.app import make_app
from mock_llm.serving.server import bind, serve
from mock_llm.serving.surfaces import BASE_PATHS

# Click folds lines into paragraphs unless a paragraph starts with this mark.
EPILOG = "\n\n".join("\b\n" + part for part in (mock_llm.__doc__ or "").split("\n\n")[1:])


def main(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8788,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Mock OpenAI, Anthropic, Gemini, Groq and xAI on their native wire formats."""
    try:
        listener = bind(host, port)
    except OSError as error:
        typer.echo(f"mock providers: cannot listen on {host}:{port}: {error.strerror}", err=True)
        raise typer.Exit(1) from error
    address = f"http://{host}:{listener.getsockname()[1]}"
    typer.echo(f"mock providers ready at {address} ({', '.join(BASE_PATHS)})")
    serve(make_app(), listener)


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(epilog=EPILOG)(main)
    app(prog_name="python -m mock_llm")
