"""A client's class with its `request()` watched: derived once from each class, and named as it is.

The name is part of the user agent that the clients send. Settings travel in no argument of a constructor that a copy
would have to know: a copy is made by `copy()`, which hands on what its model has.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from ..guard import Guard
from ..settings import read_settings
from .client_watch import ClientWatch, over, underway
from .private_names import raise_as
from .watch import quietly

OURS = "agentwatch_"
SOCKET_ADDRESS = "websocket_base_url"
copying: ContextVar[bool] = ContextVar("agentwatch_copying", default=False)
KEPT = "_agentwatch"
"""Where a client has its `ClientWatch`."""


def made_watch(arguments: Mapping[str, object]) -> ClientWatch:
    return ClientWatch(Guard(read_settings(arguments, os.environ)))


def without_ours(arguments: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The client's own arguments, and ours."""
    own = {name: value for name, value in arguments.items() if not name.startswith(OURS)}
    return own, {name: value for name, value in arguments.items() if name.startswith(OURS)}


@functools.lru_cache(maxsize=64)
def watched_class(base: type) -> type:
    """The class's watched subclass; itself where it is one."""
    if getattr(base, "is_agentwatched", False):
        return base
    is_async = any("Async" in each.__name__ for each in base.__mro__)
    made = _async_class(base) if is_async else _sync_class(base)
    if any(SOCKET_ADDRESS in vars(each).get("__annotations__", {}) for each in base.__mro__):
        setattr(made, SOCKET_ADDRESS, _watched_socket_address())
    made.__name__, made.__qualname__, made.__module__ = base.__name__, base.__qualname__, base.__module__
    watched: type = made
    return watched


class _Shared:
    """What both kinds do alike. No base class of theirs: `wrap` needs a subclass with one base."""

    @staticmethod
    def init(client: Any, parent: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        own, ours = without_ours(named)
        watch = own.pop(KEPT, None)
        watch = made_watch(ours) if watch is None else watch
        parent(*arguments, **own)
        watch.check(str(client.base_url))
        setattr(client, KEPT, watch)

    @staticmethod
    def copy(client: Any, parent: Any, named: dict[str, Any]) -> Any:
        own, ours = without_ours(named)
        kept = made_watch({**_told(client), **ours}) if ours else getattr(client, KEPT)
        extra = {**own.pop("_extra_kwargs", {}), KEPT: kept}
        token = copying.set(True)
        try:
            return parent(**own, _extra_kwargs=extra)
        finally:
            copying.reset(token)


def _told(client: Any) -> dict[str, object]:
    """The client's settings as arguments, for a copy that changes some."""
    settings = getattr(client, KEPT).guard.settings
    names = (name for name in type(settings).__dataclass_fields__)
    return {f"{OURS}{name}": value for name in names if (value := getattr(settings, name)) is not None}


def _watched_socket_address() -> Any:
    """Where a client opens web sockets: whoever asks for it, but a copy being made, is about to open one. That is all
    that the clients' several ways to do so have in common, over resources that were made before `wrap` too."""

    def asked(client: Any) -> Any:
        if not copying.get():
            watch_in(client).socket()
        return vars(client).get(SOCKET_ADDRESS)

    def told(client: Any, address: Any) -> None:
        vars(client)[SOCKET_ADDRESS] = address

    return property(asked, told)


def _sync_class(base: Any) -> Any:
    class Watched(base):  # type: ignore[misc]
        is_agentwatched = True

        @functools.wraps(base.__init__)  # type: ignore[misc]
        def __init__(self, *arguments: Any, **named: Any) -> None:
            _Shared.init(self, super().__init__, arguments, named)

        @property
        def agentwatch(self) -> Guard:
            return watch_in(self).guard

        @functools.wraps(base.copy)
        def copy(self, **named: Any) -> Any:
            return _Shared.copy(self, super().copy, named)

        with_options = copy

        def request(self, cast_to: Any, options: Any, *, stream: bool = False, stream_cls: Any = None) -> Any:
            client = watch_in(self)
            send = functools.partial(super().request, cast_to, stream=stream)
            facts = client.facts(options, is_streaming=stream, base_url=str(self.base_url))
            if facts is None:
                token = underway.set(None)
                try:
                    result = send(options, stream_cls=stream_cls)
                finally:
                    over(token)
                quietly(lambda: client.looked_up(options, result))
                return result
            watch, changed = client.opened(client.guard.begin(facts), options, str(self.base_url))
            send = functools.partial(send, stream_cls=client.stream_class(stream_cls))
            token = underway.set(watch)
            try:
                try:
                    result = send(changed)
                except Exception as error:
                    if not quietly(functools.partial(client.goes_directly_after, watch, error)):
                        raise
                    result = send(changed)
            except BaseException as error:
                raise_as(watch, error)
            finally:
                over(token)
            quietly(lambda: client.returned(watch, result))
            return result

        def _prepare_request(self, request: Any) -> None:
            super()._prepare_request(request)
            watch_in(self).attempt(request)

        def _process_response_data(self, *, data: object, cast_to: Any, response: Any) -> Any:
            seen = quietly(lambda: watch_in(self).processed(data, response))
            data = data if seen is None else seen
            return super()._process_response_data(data=data, cast_to=cast_to, response=response)

    return Watched


def _async_class(base: Any) -> Any:
    class Watched(base):  # type: ignore[misc]
        is_agentwatched = True

        @functools.wraps(base.__init__)  # type: ignore[misc]
        def __init__(self, *arguments: Any, **named: Any) -> None:
            _Shared.init(self, super().__init__, arguments, named)

        @property
        def agentwatch(self) -> Guard:
            return watch_in(self).guard

        @functools.wraps(base.copy)
        def copy(self, **named: Any) -> Any:
            return _Shared.copy(self, super().copy, named)

        with_options = copy

        async def request(self, cast_to: Any, options: Any, *, stream: bool = False, stream_cls: Any = None) -> Any:
            client = watch_in(self)
            send = functools.partial(super().request, cast_to, stream=stream)
            facts = client.facts(options, is_streaming=stream, base_url=str(self.base_url))
            if facts is None:
                token = underway.set(None)
                try:
                    result = await send(options, stream_cls=stream_cls)
                finally:
                    over(token)
                quietly(lambda: client.looked_up(options, result))
                return result
            watch, changed = client.opened(await client.guard.begin_async(facts), options, str(self.base_url))
            send = functools.partial(send, stream_cls=client.stream_class(stream_cls))
            token = underway.set(watch)
            try:
                try:
                    result = await send(changed)
                except Exception as error:
                    if not quietly(functools.partial(client.goes_directly_after, watch, error)):
                        raise
                    result = await send(changed)
            except BaseException as error:
                raise_as(watch, error)
            finally:
                over(token)
            quietly(lambda: client.returned(watch, result))
            return result

        async def _prepare_request(self, request: Any) -> None:
            await super()._prepare_request(request)
            await watch_in(self).attempt_async(request)

        def _process_response_data(self, *, data: object, cast_to: Any, response: Any) -> Any:
            seen = quietly(lambda: watch_in(self).processed(data, response))
            data = data if seen is None else seen
            return super()._process_response_data(data=data, cast_to=cast_to, response=response)

    return Watched


def watch_in(client: Any) -> ClientWatch:
    watch = getattr(client, KEPT)
    assert isinstance(watch, ClientWatch)
    return watch
