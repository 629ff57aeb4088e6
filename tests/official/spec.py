"""What an official client says of the API it is made for: each route with the type of its answer.

The specification itself is published with no client, but each method of the generated ones names its HTTP method, its
path and the type it reads the answer as. That is read from their source; nothing is called.
"""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_type_hints

_CALLS = {
    "_get": "GET", "_post": "POST", "_put": "PUT", "_patch": "PATCH", "_delete": "DELETE", "_get_api_list": "GET"
}  # fmt: skip
_PARAMETER = re.compile(r"\\{[^{}]*\\}")


@dataclass(frozen=True, slots=True)
class Operation:
    """One route. A page is the type of a list's answer."""

    method: str
    path: str
    query: str
    """What the path has of its own (`beta=true`)."""
    answers: tuple[Any, ...]
    """More than one where two methods read the same route differently."""
    event: Any = None
    """What its stream consists of, if it has one."""
    always_streams: bool = False

    def pattern(self) -> re.Pattern[str]:
        return re.compile(_PARAMETER.sub("[^/]+", re.escape(self.path)))

    def joined(self, other: "Operation") -> "Operation":
        return replace(
            self, answers=tuple(dict.fromkeys(self.answers + other.answers)), event=self.event or other.event
        )


def operations(package: str) -> tuple[Operation, ...]:
    """The narrower first: `/models/known` is not taken for `/models/{model}`."""
    found: dict[tuple[str, str, str], Operation] = {}
    for module in _modules(f"{package}.resources"):
        for each in _operations_in(module):
            route = (each.method, each.path, each.query)
            found[route] = found[route].joined(each) if route in found else each
    return tuple(sorted(found.values(), key=lambda each: (each.path.count("{"), -len(each.query))))


def _modules(name: str) -> Iterator[ModuleType]:
    root = importlib.import_module(name)
    for module in pkgutil.walk_packages(root.__path__, f"{name}."):
        yield importlib.import_module(module.name)


def _operations_in(module: ModuleType) -> Iterator[Operation]:
    for resource in ast.parse(Path(module.__file__ or "").read_text()).body:
        if not isinstance(resource, ast.ClassDef) or resource.name.startswith("Async"):
            continue
        for function in resource.body:
            if isinstance(function, ast.FunctionDef):
                yield from _operations_of(module, resource.name, function)


def _operations_of(module: ModuleType, resource: str, function: ast.FunctionDef) -> Iterator[Operation]:
    for call in ast.walk(function):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in _CALLS):
            continue
        template = _template(call.args[0])
        if template is None:
            continue
        path, _, query = template.partition("?")
        named = {keyword.arg: keyword.value for keyword in call.keywords}
        stream, answer = named.get("stream"), named.get("page") or named["cast_to"]
        try:
            kind = _value(module, answer)
        except NameError:  # chosen by an argument: the first that the method says it returns
            kind = _first_returned(getattr(getattr(module, resource), function.name))
        event = _value(module, named["stream_cls"]) if "stream_cls" in named else None
        method = ast.literal_eval(named["method"]).upper() if "method" in named else _CALLS[call.func.attr]
        yield Operation(
            method,
            path,
            query,
            (kind,),
            get_args(event)[0] if get_args(event) else None,
            always_streams=isinstance(stream, ast.Constant) and stream.value is True,
        )


def _template(argument: ast.expr) -> str | None:
    """A path stands as it is, or as a template with its parameters; none where another answer has said it."""
    template = argument.args[0] if isinstance(argument, ast.Call) else argument
    return str(template.value) if isinstance(template, ast.Constant) else None


def _value(module: ModuleType, expression: ast.expr) -> Any:
    return eval(compile(ast.Expression(expression), str(module.__file__), "eval"), vars(module))


def _first_returned(method: Any) -> Any:
    returned = get_type_hints(method)["return"]
    return next(iter(get_args(returned)), returned)
