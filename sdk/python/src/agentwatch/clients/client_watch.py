"""What a watched client and its copies share, and the course of one call: read, ask, send, read along.

`request()` is the one method through which every call of a client goes once, whatever it retries, so the question
before a call and its end are here; each attempt passes `attempt`, where a call through AgentWatch gets its address. The
rule easy to break: AgentWatch's token is put on there alone, so none can reach a provider.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from contextvars import ContextVar, Token
from typing import Any

from ..calls import CallFacts
from ..errors import AgentWatchError
from ..guard import Guard
from ..request_text import risk_tags_of
from .background import BackgroundAnswers
from .private_names import (
    attach,
    body_of,
    content_of,
    http_response_of,
    is_read_by_hand,
    request_of,
    watch_of,
    watched_stream,
    with_body,
)
from .reach import Reach
from .reading.failures import is_unsent
from .reading.paths import background_id_of, bare_path, dialect_of, kind_of
from .reading.providers import provider_of, proxied_url, takes_include_usage
from .reading.request import facts_of, with_ceiling, with_included_usage
from .watch import Watch, document_in, quietly

logger = logging.getLogger("agentwatch")

TOKEN_HEADER = "x-agentwatch-key"
_KEY_HEADERS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")

underway: ContextVar[Watch | None] = ContextVar("agentwatch_call", default=None)
"""The call whose attempts are being made: set and reset within one `request()`, across no `yield` of anybody's."""


def over(token: Token[Watch | None]) -> None:
    """No attempt follows. A request that is dropped instead of awaited ends in whatever context it is collected in."""
    with contextlib.suppress(ValueError):
        underway.reset(token)


class ClientWatch:
    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self.background = BackgroundAnswers()
        self.reach = Reach(guard)

    def check(self, base_url: str) -> None:
        """Raises `ValueError` where the client's calls cannot go through AgentWatch, and should."""
        if self.guard.settings.is_proxied and proxied_url(base_url, "") is None:
            raise ValueError(
                f"agentwatch_primary_provider: AgentWatch knows no provider at {base_url}; leave it out, and calls are "
                "checked and reported from here"
            )

    # Before a call.

    def facts(self, options: Any, *, is_streaming: bool, base_url: str) -> CallFacts | None:
        """None for a request that is not metered. Raises `AgentBudgetCheckUnavailable` where it costs money and nothing
        may go on unasked, and nothing else: a request that cannot be read is one that is not metered."""
        try:
            return self._facts(options, is_streaming=is_streaming, base_url=base_url)
        except AgentWatchError:
            raise
        except Exception as error:
            self.guard.unmetered(f"a request that cannot be read ({type(error).__name__})")
            return None

    def _facts(self, options: Any, *, is_streaming: bool, base_url: str) -> CallFacts | None:
        method, url = request_of(options)
        bare = bare_path(url)
        kind = kind_of(method, bare)
        if kind in ("unmetered", "unknown"):
            self.guard.unmetered(bare)
        dialect = dialect_of(bare)
        if kind != "metered" or dialect is None or self._is_at_agentwatch(base_url):
            return None
        settings = self.guard.settings

        def read(body: Mapping[str, object] | None) -> CallFacts:
            looks_for_tags = settings.risk_tags and body is not None and not settings.is_proxied
            return facts_of(
                body,
                provider=provider_of(base_url),
                dialect=dialect,
                path=bare,
                is_streaming=is_streaming,
                risks=risk_tags_of(body) if looks_for_tags else (),
            )

        return quietly(lambda: read(body_of(options))) or read(None)

    def opened(self, call: Any, options: Any, base_url: str) -> tuple[Watch, Any]:
        """The call's watch, and its options with what a hold has lowered."""
        watch = Watch(self.guard, self.background, call)
        return watch, quietly(lambda: self._changed(watch, options, base_url)) or options

    def _changed(self, watch: Watch, options: Any, base_url: str) -> Any:
        facts, before = watch.facts, body_of(options)
        if before is None:
            return options
        watch.is_background = before.get("background") is True
        body: Mapping[str, object] = before
        if watch.call.output_tokens_max is not None:
            body = with_ceiling(body, facts.dialect, watch.call.output_tokens_max, facts.provider)
        if facts.is_streaming and facts.dialect in ("openai_chat", "openai_completions"):
            may_ask = takes_include_usage(base_url) and not is_read_by_hand(options)
            asked = with_included_usage(body) if may_ask else None
            body = body if asked is None else asked
            watch.has_added_usage = asked is not None
        return options if body is before else with_body(options, before, body)

    def _is_at_agentwatch(self, base_url: str) -> bool:
        """A client whose base URL is AgentWatch's own is metered there."""
        return base_url.startswith(f"{self.guard.settings.base_url}/v1")

    # Each attempt.

    def attempt(self, request: Any) -> None:
        """A request as it is about to be sent."""
        watch = underway.get()
        if watch is None:
            self._addressed(None, request)
            return
        watch.attempts += 1
        if self._goes_through(watch) and self._may_go_directly(request):
            known = self.reach.is_known()
            if known is None:
                known = self.reach.heard(self.reach.asking().wait())
            watch.goes_directly = not known
        self._addressed(watch, request)

    async def attempt_async(self, request: Any) -> None:
        watch = underway.get()
        if watch is None:
            self._addressed(None, request)
            return
        watch.attempts += 1
        if self._goes_through(watch) and self._may_go_directly(request):
            known = self.reach.is_known()
            if known is None:
                known = self.reach.heard(await self.reach.asking().wait_async())
            watch.goes_directly = not known
        self._addressed(watch, request)

    def _goes_through(self, watch: Watch) -> bool:
        return self.guard.settings.is_proxied and not watch.goes_directly

    def _may_go_directly(self, request: Any) -> bool:
        """A client that has no other key than AgentWatch's own cannot go to a provider with it."""
        token = self.guard.settings.api_key
        has_token = any(token in request.headers.get(name, "") for name in _KEY_HEADERS)
        return self.guard.settings.fallback_provider == "direct" and not has_token

    def _addressed(self, watch: Watch | None, request: Any) -> None:
        """Give the request AgentWatch's address and token, or leave it its provider's. What is no metered call goes
        through as well: its key may be AgentWatch's token, and what it costs is for AgentWatch to refuse."""
        settings = self.guard.settings
        if not settings.is_proxied:
            return
        if watch is not None and watch.goes_directly:
            watch.call.reports = True
            self.guard.connection.warn_once("direct", "AgentWatch cannot be reached: calls go to the provider directly")
            return
        url = proxied_url(str(request.url), settings.base_url)
        if url is None:  # an address given for this request alone: nothing of AgentWatch's may go there
            self._without_token(request)
            if watch is not None:
                watch.call.reports = True
            return
        request.url = type(request.url)(url)
        request.headers["host"] = request.url.netloc.decode("ascii")
        self._without_token(request)
        request.headers[TOKEN_HEADER] = settings.api_key
        if watch is not None:
            for name, value in self.guard.proxy_headers(watch.call).items():
                request.headers[name] = value
        self._bound_connecting(request)

    def _without_token(self, request: Any) -> None:
        """A key of the caller's own may stand behind the token; that stays."""
        token = self.guard.settings.api_key
        for name in _KEY_HEADERS:
            value = request.headers.get(name, "")
            if f"{token}:" in value:
                request.headers[name] = value.replace(f"{token}:", "")
            elif token in value:
                del request.headers[name]

    def _bound_connecting(self, request: Any) -> None:
        """`timeout_seconds` bounds connecting to AgentWatch, and never the model's answer."""
        timeout = request.extensions.get("timeout")
        if isinstance(timeout, Mapping):
            most = self.guard.settings.timeout_seconds
            given = timeout.get("connect")
            connect = most if given is None else min(given, most)
            request.extensions = {**request.extensions, "timeout": {**timeout, "connect": connect}}

    # After a call.

    def stream_class(self, stream_cls: Any) -> Any:
        return None if stream_cls is None else quietly(lambda: watched_stream(stream_cls)) or stream_cls

    def returned(self, watch: Watch, result: Any) -> None:
        """What the client hands to its user."""
        response = http_response_of(result)
        if response is None:
            if not watch.has_answer:
                watch.data(_dumped(result), is_stream=False)
            watch.answered()
            return
        watch.responded(response.status_code)
        content = content_of(response)
        if not watch.facts.is_streaming and content is not None:
            watch.closed(content)
            return
        attach(response, watch)

    def looked_up(self, options: Any, result: Any) -> None:
        """An answer that was written in the background, as it is now."""
        _, url = request_of(options)
        answer_id = background_id_of(bare_path(url))
        answer = None if answer_id is None else _whole_answer(result)
        # Not before there is something to settle it by: what is taken and not settled is lost.
        watch = None if answer_id is None or answer is None else self.background.take(answer_id)
        if watch is not None:
            watch.data(answer, is_stream=False)
            watch.answered()

    def processed(self, data: object, response: Any) -> object:
        """A piece of an answer on its way to the user, without what is there only because the client asked for it."""
        watch = watch_of(response) or underway.get()
        if watch is None:
            return data
        watch.responded(response.status_code)
        watch.data(data, is_stream=watch.facts.is_streaming)
        if watch.has_added_usage and isinstance(data, Mapping) and data.get("usage", data) is None:
            return {name: value for name, value in data.items() if name != "usage"}
        return data

    def goes_directly_after(self, watch: Watch, error: BaseException) -> bool:
        """Nothing was sent, so the call may be made once more, to its provider."""
        settings = self.guard.settings
        if not settings.is_proxied or watch.goes_directly or settings.fallback_provider != "direct":
            return False
        if not is_unsent(error):
            return False
        self.reach.failed()
        request = getattr(error, "request", None)
        if request is not None and not any(request.headers.get(name) for name in _KEY_HEADERS):
            return False  # it had no key but the token
        watch.goes_directly = True
        return True

    def socket(self) -> None:
        """A web socket is about to be opened: none goes through AgentWatch, and what is said in it is not read here.
        Raises `AgentBudgetCheckUnavailable` where nothing may go on unasked."""
        self.guard.unmetered("a web socket", is_direct=True)


def _dumped(result: Any) -> object:
    dump = getattr(result, "model_dump", None)
    return dump(warnings=False) if callable(dump) else result


def _whole_answer(result: Any) -> object:
    """None where it is a stream, or has not been read."""
    response = http_response_of(result)
    if response is None:
        return _dumped(result)
    content = content_of(response)
    return None if content is None else document_in(content)
