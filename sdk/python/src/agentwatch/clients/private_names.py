"""All that is used of the clients' private names, and what becomes of a call where one is gone.

Both clients are made by one generator, so their insides are alike: `request()` is given options with the body in
`json_data`, streams are classes that are passed down, and each attempt and each piece of an answer passes one method.
The rule easy to break: nowhere else in this package may a name of theirs begin with an underscore.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, get_origin

from .watch import Watch, quietly

_RAW_HEADER = "x-stainless-raw-response"
_KEPT = "_agentwatch_watch"


def body_of(options: Any) -> Mapping[str, object] | None:
    """The request's body as it is sent, but for `extra_body`; None where it is no object."""
    body = getattr(options, "json_data", None)
    extra = getattr(options, "extra_json", None)
    if not isinstance(body, Mapping):
        return None
    return {**body, **extra} if isinstance(extra, Mapping) else body


def with_body(options: Any, before: Mapping[str, object], body: Mapping[str, object]) -> Any:
    """A copy of the options with what of the body has changed."""
    changed = {name: value for name, value in body.items() if before.get(name, options) is not value}
    copied = options.model_copy()
    copied.json_data = {**options.json_data, **changed}
    extra = getattr(options, "extra_json", None)
    if isinstance(extra, Mapping):
        copied.extra_json = {name: changed.get(name, value) for name, value in extra.items()}
    return copied


def request_of(options: Any) -> tuple[str, str]:
    """Method and path."""
    return str(getattr(options, "method", "post")), str(getattr(options, "url", ""))


def is_read_by_hand(options: Any) -> bool:
    """Was the answer asked for as it comes, by `with_streaming_response`? Then nothing can be taken out of it."""
    headers = getattr(options, "headers", None) or {}
    return any(name.lower() == _RAW_HEADER and headers[name] == "stream" for name in headers)


def http_response_of(result: Any) -> Any:
    """The HTTP response behind what a client has returned, or which that is; None where that is a parsed answer."""
    several = (getattr(result, "http_response", None), getattr(result, "response", None), result)
    return next((each for each in several if hasattr(each, "status_code") and hasattr(each, "headers")), None)


def attach(response: Any, watch: Watch) -> None:
    """Have the watch hear of the response's end: closed, or forgotten."""
    setattr(response, _KEPT, watch)
    reference = weakref.ref(response)
    for name in ("read", "close"):
        setattr(response, name, _heard(name, reference, watch))
    for name in ("aread", "aclose"):
        setattr(response, name, _heard_async(name, reference, watch))
    weakref.finalize(response, _collected, watch)


def watch_of(response: Any) -> Watch | None:
    watch = getattr(response, _KEPT, None)
    return watch if isinstance(watch, Watch) else None


def content_of(response: Any) -> bytes | None:
    """The body where it was read."""
    content = getattr(response, "_content", None)
    return content if isinstance(content, bytes) else None


def _collected(watch: Watch) -> None:
    quietly(watch.collected)


def _heard(name: str, reference: Callable[[], Any], watch: Watch) -> Callable[[], Any]:
    """A method of the response's after which it is closed, for good or by having been read."""

    def method() -> Any:
        response = reference()
        if response is None:
            return None
        was_pulling, watch.is_pulling = watch.is_pulling, watch.is_pulling or name == "read"
        try:
            return getattr(type(response), name)(response)
        finally:
            watch.is_pulling = was_pulling
            quietly(lambda: watch.closed(content_of(response)))

    return method


def _heard_async(name: str, reference: Callable[[], Any], watch: Watch) -> Callable[[], Any]:
    async def method() -> Any:
        response = reference()
        if response is None:
            return None
        was_pulling, watch.is_pulling = watch.is_pulling, watch.is_pulling or name == "aread"
        try:
            return await getattr(type(response), name)(response)
        finally:
            watch.is_pulling = was_pulling
            quietly(lambda: watch.closed(content_of(response)))

    return method


@functools.lru_cache(maxsize=256)
def watched_stream(stream_cls: Any) -> Any:
    """The client's own stream class with its events watched; made once for each."""
    origin = get_origin(stream_cls) or stream_cls
    if not isinstance(origin, type) or not hasattr(origin, "__stream__"):
        return stream_cls
    return _async_stream(stream_cls) if hasattr(origin, "__aiter__") else _sync_stream(stream_cls)


def _sync_stream(stream_cls: Any) -> Any:
    class WatchedStream(stream_cls):  # type: ignore[misc]
        def __stream__(self) -> Iterator[Any]:
            watch = watch_of(self.response)
            inner = super().__stream__()
            if watch is None:
                yield from inner
                return
            try:
                while True:
                    watch.is_pulling = True
                    try:
                        item = next(inner)
                    except StopIteration:
                        quietly(watch.exhausted)
                        return
                    except BaseException as error:
                        raise_as(watch, error)
                    finally:
                        watch.is_pulling = False
                    if watch.cut is not None:
                        raise watch.failed(watch.cut)
                    if not quietly(functools.partial(watch.is_ours, item)):
                        yield item
            finally:
                inner.close()

    return _named(WatchedStream, stream_cls)


def _async_stream(stream_cls: Any) -> Any:
    class WatchedStream(stream_cls):  # type: ignore[misc]
        async def __stream__(self) -> AsyncIterator[Any]:
            watch = watch_of(self.response)
            inner = super().__stream__()
            try:
                while True:
                    if watch is not None:
                        watch.is_pulling = True
                    try:
                        item = await inner.__anext__()
                    except StopAsyncIteration:
                        if watch is not None:
                            quietly(watch.exhausted)
                        return
                    except BaseException as error:
                        raise_as(watch, error)
                    finally:
                        if watch is not None:
                            watch.is_pulling = False
                    if watch is not None and watch.cut is not None:
                        raise watch.failed(watch.cut)
                    if watch is None or not quietly(functools.partial(watch.is_ours, item)):
                        yield item
            finally:
                await inner.aclose()

    return _named(WatchedStream, stream_cls)


def raise_as(watch: Watch | None, error: BaseException) -> None:
    """Raise what the user gets for an error of the client's."""
    thrown = None if watch is None else quietly(lambda: watch.failed(error))
    if thrown is None or thrown is error:
        raise error
    raise thrown from error


def _named(made: Any, stream_cls: Any) -> Any:
    original = get_origin(stream_cls) or stream_cls
    made.__name__, made.__qualname__ = original.__name__, original.__qualname__
    return made
