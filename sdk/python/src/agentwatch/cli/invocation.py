"""One run of a command: what every command can be told, whom it asks, and where it shows what it found.

A command is a function whose first argument is the `Invocation`; `command` gives it the options that all have, and ends
the process by what became of it. The options may stand before the command's name or after it.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Concatenate, ParamSpec, get_type_hints

import typer

from .api.client import Api, path_of
from .failures import CommandFailed, Exit
from .pipes import forget, is_reader_gone
from .profiles.target import Target, find_target
from .screen.screen import Screen

P = ParamSpec("P")
Command = Callable[Concatenate["Invocation", P], None]

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document; errors as JSON on stderr.")]
Profile = Annotated[
    str | None, typer.Option("--profile", metavar="NAME", help="Use this profile and nothing of the environment.")
]
Url = Annotated[str | None, typer.Option("--url", metavar="URL", help="AgentWatch's address.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colours; so does NO_COLOR.")]

SHARED: dict[str, tuple[Any, Any]] = {
    "as_json": (AsJson, False),
    "profile": (Profile, None),
    "url": (Url, None),
    "no_color": (NoColor, False),
}
"""What every command can be told, by its name: its type and its default."""


@dataclass(frozen=True)
class Options:
    as_json: bool = False
    profile: str | None = None
    url: str | None = None
    no_color: bool = False

    def over(self, outer: Options) -> Options:
        """What was said behind the command's name counts before what was said in front of it."""
        return Options(
            as_json=self.as_json or outer.as_json,
            profile=self.profile or outer.profile,
            url=self.url or outer.url,
            no_color=self.no_color or outer.no_color,
        )


@dataclass
class Invocation:
    options: Options
    screen: Screen = field(init=False)

    def __post_init__(self) -> None:
        self.screen = Screen(is_json=self.options.as_json, no_color=self.options.no_color)

    @cached_property
    def target(self) -> Target:
        """Which AgentWatch, and as whom. Raises `CommandFailed` where nothing says so."""
        target = find_target(os.environ, profile=self.options.profile, url=self.options.url, say=self.screen.say)
        self.screen.hide(target.token)
        return target

    @cached_property
    def api(self) -> Api:
        return Api(self.target, say=self.screen.say)

    def confirm(self, what: str, *, yes: bool) -> None:
        """Ask before what cannot be taken back, naming where it happens. Without a terminal nobody can be asked, so it
        has to be said before."""
        if yes:
            return
        self.screen.check_asking(what)
        tenant = self.api.get(path_of("whoami")).document.get("tenant")
        whose = "as the operator" if tenant is None else f"of tenant {tenant}"
        self.screen.ask(f"{what} {whose} at {self.target.base_url}?")


def command(group: typer.Typer, name: str) -> Callable[[Command[P]], Command[P]]:
    """Make a function the command of that name. Its docstring is its help."""

    def register(function: Command[P]) -> Command[P]:
        group.command(name)(_runnable(function))
        return function

    return register


def _runnable(function: Callable[..., None]) -> Callable[..., None]:
    """What Typer calls: the function's own arguments and the shared options, as arguments by name."""
    hints = get_type_hints(function, include_extras=True)
    own = [
        parameter.replace(annotation=hints[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in list(inspect.signature(function).parameters.values())[1:]
    ]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in SHARED.items()
    ]
    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)

    def run(*, context: typer.Context, **values: Any) -> None:
        own_options = Options(**{name: values.pop(name) for name in SHARED})
        _end(Invocation(own_options.over(context.find_object(Options) or Options())), function, values)

    parameters = [context, *own, *shared]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what `inspect` goes by
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    run.__name__, run.__doc__ = function.__name__, function.__doc__
    return run


def _end(invocation: Invocation, function: Callable[..., None], values: dict[str, Any]) -> None:
    """Run it, and end the process by what became of it."""
    try:
        if sys.stdout is None:
            raise CommandFailed("there is no standard output to write the result to")
        function(invocation, **values)
        sys.stdout.flush()
    except CommandFailed as failure:
        invocation.screen.fail(failure)
        raise typer.Exit(failure.code) from None
    except KeyboardInterrupt:
        raise typer.Exit(Exit.INTERRUPTED) from None
    except OSError as error:
        if not is_reader_gone(error):
            invocation.screen.fail(CommandFailed(f"the result cannot be written: {error.strerror or error}"))
            forget(sys.stdout)
            raise typer.Exit(Exit.FAILED) from None
        forget(sys.stdout)
        raise typer.Exit(Exit.DONE) from None
