"""Where the command `agentwatch` begins. It must be importable without the extra `cli`, to say what is missing."""

from __future__ import annotations

import sys

EXTRA = ("httpx", "rich", "typer")
"""What `pip install 'agentwatch[cli]'` brings along."""


def main() -> None:
    try:
        from .app import app
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in EXTRA:
            raise
        print(
            "agentwatch: the command needs more packages than the SDK: pip install 'agentwatch[cli]'", file=sys.stderr
        )
        sys.exit(1)
    from .pipes import ends_with_its_reader

    with ends_with_its_reader():
        app(prog_name="agentwatch")
