"""The routes that the installed official clients can call, read from their source."""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

Route = tuple[str, str, str]
"""Provider, method, path behind the provider's base URL; a parameter stands as `x`."""

_STAINLESS_CALL = re.compile(
    r"\._(get|post|put|patch|delete|get_api_list)\(\s*(?:path_template\(\s*)?(?:f|r)?\"(/[^\"]*)\"", re.DOTALL
)
_GENAI_PATH = re.compile(r"path = f?'([^']+)'|'(get|post|put|patch|delete)',\s*path", re.DOTALL)
_PARAMETER = re.compile(r"\{[^}]*\}")


def routes_of_clients() -> set[Route]:
    """Every route of the four clients; path prefixes are those of the base URLs we send to."""
    found = {*_stainless("openai", "openai", ""), *_stainless("anthropic", "anthropic", "/v1")}
    found |= {*_stainless("groq", "groq", "/openai/v1"), *_genai()}
    return found


def _stainless(package: str, provider: str, root: str) -> Iterator[Route]:
    for path in _sources(package, "resources"):
        for method, route in _STAINLESS_CALL.findall(path.read_text()):
            plain = _PARAMETER.sub("x", route.partition("?")[0]).removeprefix(root)
            yield provider, "GET" if method == "get_api_list" else method.upper(), plain


def _genai() -> Iterator[Route]:
    for path in _sources("google.genai", ""):
        routes: list[str] = []
        for route, method in _GENAI_PATH.findall(path.read_text()):
            if route:
                routes.append(route)
                continue
            for each in routes:
                yield "gemini", method.upper(), "/v1beta/" + _genai_plain(each)
            routes = []


def _genai_plain(route: str) -> str:
    return _PARAMETER.sub("models/x" if route.startswith("{model}") else "x", route.lstrip("/"))


def _sources(package: str, folder: str) -> list[Path]:
    spec = find_spec(package)
    assert spec is not None and spec.submodule_search_locations
    return sorted((Path(next(iter(spec.submodule_search_locations))) / folder).rglob("*.py"))
