"""The border to JavaScript: bytes, headers and plain objects cross here and nowhere else.

Objects cross as JSON text, one call each way, because walking a proxy costs microseconds per attribute. Bytes are
copied, because a buffer of the Python heap must not be held by JavaScript.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
from js import JSON, Object
from pyodide.ffi import JsException, to_js
from workers import import_from_javascript

JS_FAULTS = (JsException, OSError)
"""What a failing binding or fetch raises in Python."""


def platform_env() -> Any:
    """The Worker's bindings as raw JavaScript objects."""
    return import_from_javascript("cloudflare:workers").env


@cache
def platform_wait_until() -> Any:
    """Sees a promise or a coroutine of the request that runs now through to its end."""
    return import_from_javascript("cloudflare:workers").waitUntil


@cache
def own_javascript(name: str) -> Any:
    """A JavaScript module beside this file, imported at its first use: at start-up only the platform's own can be."""
    return import_from_javascript(f"bindings/{name}.mjs")


def bytes_to_js(data: bytes) -> Any:
    """A `Uint8Array` with a copy of the data. Raw `bytes` handed to JavaScript would arrive as an empty body."""
    return to_js(data)


def object_to_js(value: Mapping[str, Any]) -> Any:
    """A plain JavaScript object out of JSON-able values."""
    return JSON.parse(msgspec.json.encode(value).decode())


def headers_from_js(headers: Any) -> dict[str, str]:
    """A JavaScript `Headers` as a dict; its names are lower-case already."""
    text = JSON.stringify(Object.fromEntries(headers))
    return msgspec.json.decode(text, type=dict[str, str])


def text_or_none(value: Any) -> str | None:
    """A JavaScript string, or None for null and undefined."""
    return value if isinstance(value, str) else None
