"""Where `init` and `doctor` become commands."""

from __future__ import annotations

import typer

from ..invocation import command
from .doctor import doctor
from .init import init


def register(app: typer.Typer) -> None:
    command(app, "init")(init)
    command(app, "doctor")(doctor)
