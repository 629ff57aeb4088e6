"""What happens to a request: read, find the API, check the key, accept, deliver, write the journal.

Every request to a provider gets one journal entry, also those that are refused, and the entry is
closed once, whatever happens to the call.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from time import time
from typing import NoReturn

from starlette.types import Receive, Scope, Send

from mock_llm.selling.usage import Usage, billed_nanousd
from mock_llm.serving import acceptance
from mock_llm.serving.acceptance import Identity
from mock_llm.serving.client import Client
from mock_llm.serving.delivery import Answering, Delivered, content_headers, deliver
from mock_llm.serving.journal import Entry, Journal
from mock_llm.serving.surfaces import (
    HeaderList,
    Headers,
    Surface,
    Target,
    answer_headers,
    find_key,
    find_target,
)
from mock_llm.wire import failures
from mock_llm.wire.failures import Failure
from mock_llm.writing.calls import Call, Request, Wire
from mock_llm.writing.scripts import NO_SCRIPT, Script, ScriptError, ScriptQueue, parse_header

BODY_BYTES_MAX = 32 * 1024 * 1024
"""Anthropic's limit; the others' are near it."""

SHOWN_HEADERS = (
    "accept",
    "accept-encoding",
    "anthropic-beta",
    "anthropic-version",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "idempotency-key",
    "openai-beta",
    "openai-organization",
    "openai-project",
    "transfer-encoding",
    "user-agent",
    "x-goog-api-client",
    "x-mock",
    "x-mock-tag",
    "x-stainless-retry-count",
)
"""The headers whose values are journaled; of the others only the names are."""

KEY_DIGEST_CHARS = 12
OK = 200
RETRYABLE_STATUSES = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
JSON_TYPE = (b"content-type", b"application/json")


@dataclass(frozen=True, slots=True)
class Received:
    """A request that was read, with its journal entry."""

    client: Client
    target: Target
    headers: Headers
    body: bytes
    entry: Entry


def key_digest(key: str) -> str:
    """What the journal shows of a key."""
    return sha256(key.encode("latin-1", "replace")).hexdigest()[:KEY_DIGEST_CHARS]


class MockProviders:
    """The ASGI application of all five providers."""

    def __init__(self, journal: Journal, scripts: ScriptQueue) -> None:
        self._journal = journal
        self._scripts = scripts
        self._boot_ms = _now_ms()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = Client(scope, receive, send)
        target = find_target(scope["path"])
        body = await _read_body(receive)
        if target is None:
            await _send_plain_404(client)
            return
        headers: Headers = dict(scope["headers"])
        entry = self._open(scope, target.surface, headers, body)
        received = Received(client, target, headers, body, entry)
        try:
            await self._serve(received)
        except Failure as failure:
            await self._refuse(received, failure)

    def _open(self, scope: Scope, surface: Surface, headers: Headers, body: bytes) -> Entry:
        query = scope["query_string"].decode("latin-1")
        key = find_key(surface, headers, query)
        digest = None if key is None else key_digest(key.value)
        if key is not None and key.place == "query":
            query = query.replace(key.value, f"sha256:{digest}")
        shown = ((name, headers.get(name.encode())) for name in SHOWN_HEADERS)
        tag = headers.get(b"x-mock-tag")
        entry = Entry(
            id=self._journal.next_id(),
            provider=surface.provider,
            method=scope["method"],
            path=scope["raw_path"].decode("latin-1"),
            query=query,
            tag=None if tag is None else tag.decode("latin-1"),
            key_sha256=digest,
            key_place=None if key is None else key.place,
            header_names=tuple(name.decode("latin-1") for name, _ in scope["headers"]),
            headers={name: value.decode("latin-1") for name, value in shown if value is not None},
            body_sha256=sha256(body).hexdigest(),
            body_bytes=len(body),
            at_ms=_now_ms(),
        )
        self._journal.open(entry, body)
        return entry

    async def _serve(self, received: Received) -> None:
        entry, target = received.entry, received.target
        _check_caller(received)
        if len(received.body) > BODY_BYTES_MAX:
            raise failures.scripted(413, None)
        if entry.method == "GET" and target.is_model_list:
            await self._list_models(received)
        elif entry.method == "POST" and target.wire is not None:
            await self._answer(received, target.wire)
        else:
            _refuse_path(target, entry)

    async def _list_models(self, received: Received) -> None:
        entry, target = received.entry, received.target
        listed = target.surface.list_models(entry.provider, target.path_model or None)
        if listed is None:
            raise failures.unknown_model(entry.provider, target.path_model)
        self._journal.start(entry)
        length = (b"content-length", b"%d" % len(listed))
        headers = [JSON_TYPE, length, *self._headers(received)]
        await received.client.start(200, headers)
        await received.client.write(listed, is_last=True)
        entry.status = 200
        self._journal.close(entry, "complete", at_ms=_now_ms())

    async def _answer(self, received: Received, wire: Wire) -> None:
        entry = received.entry
        call = self._accept(received, wire)
        if (failure := _scripted_failure(call.script)) is not None:
            await _wait_before_failing(received.client, call.script)
            raise failure
        entry.usage = call.input_usage
        entry.service_tier = call.service_tier
        entry.started_at_ms = _now_ms()
        entry.status = OK
        headers = _with([*content_headers(call), *self._headers(received)], call.script.header_list())
        delivered = await deliver(Answering(received.client, wire, call, entry, headers))
        self._settle(wire, call, entry, delivered)

    def _accept(self, received: Received, wire: Wire) -> Call:
        """The call, or the provider's no; from here on the entry names its model."""
        entry, target = received.entry, received.target
        mask = received.headers.get(b"x-goog-fieldmask", b"").decode("latin-1")
        request = Request(received.body, target.path_model, target.is_stream_path, entry.query, mask)
        entry.operation = wire.name
        ask, model = acceptance.parse(entry.provider, wire, request)
        entry.model = model.name
        entry.stream = ask.is_stream
        self._journal.start(entry)
        seed = int(entry.body_sha256[:8], 16)
        identity = Identity(seed, self._unique(entry), entry.at_ms // 1000)
        try:
            script = self._script(received.headers, entry)
            return acceptance.accept(wire, ask, model, script, identity)
        except ScriptError as error:
            raise Failure(400, str(error)) from error

    def _script(self, headers: Headers, entry: Entry) -> Script:
        """The request's own script, else the first queued one that matches."""
        if (header := headers.get(b"x-mock")) is not None:
            return parse_header(header.decode("latin-1"))
        return self._scripts.take(entry.provider, entry.model or "", entry.tag) or NO_SCRIPT

    def _settle(self, wire: Wire, call: Call, entry: Entry, delivered: Delivered) -> None:
        """Bills what was generated, unless the endpoint or the script makes it free."""
        is_free = wire.is_free or call.script.usage == "zero"
        entry.usage = Usage() if is_free else call.usage_after(delivered.channels)
        entry.generated_tokens = sum(delivered.channels)
        entry.billed_nanousd = billed_nanousd(entry.usage, call.model, call.service_tier, turns=call.turns)
        if delivered.ending == "client_disconnected":
            entry.disconnected_at_token = entry.generated_tokens
        self._journal.close(entry, delivered.ending, at_ms=_now_ms())

    async def _refuse(self, received: Received, failure: Failure) -> None:
        entry, surface = received.entry, received.target.surface
        if entry.model is None:
            self._journal.start(entry)
        body = failure.body
        if body is None:
            body = surface.render_failure(failure, f"req_{self._unique(entry)}")
        length = (b"content-length", b"%d" % len(body))
        retry = _retry_headers(surface, failure)
        entry.status = failure.status
        entry.error = failure.message
        entry.usage = Usage()
        entry.generated_tokens = 0
        self._journal.close(entry, "error", at_ms=_now_ms())
        headers = [JSON_TYPE, length, *self._headers(received), *retry]
        await received.client.start(failure.status, _with(headers, failure.headers))
        await received.client.write(body, is_last=True)

    def _headers(self, received: Received) -> HeaderList:
        entry = received.entry
        processing_ms = _now_ms() - entry.at_ms
        return answer_headers(received.target.surface, self._unique(entry), processing_ms)

    def _unique(self, entry: Entry) -> str:
        """The tail of every id in the answer, unique over restarts too."""
        return f"{self._boot_ms:012x}{entry.id:012x}"


def _check_caller(received: Received) -> None:
    surface = received.target.surface
    if received.entry.key_sha256 is None:
        raise Failure(*surface.missing_key)
    for name in surface.required_headers:
        if name.encode() not in received.headers:
            raise Failure(400, f"{name}: header is required")


def _refuse_path(target: Target, entry: Entry) -> NoReturn:
    if target.wire is not None or target.is_model_list:
        raise Failure(405, f"Not allowed to {entry.method} on {entry.path}.")
    raise Failure(404, f"Invalid URL ({entry.method} {entry.path})")


def _scripted_failure(script: Script) -> Failure | None:
    """What the script wants answered in place of the call's answer."""
    headers = script.header_list()
    if script.body is not None:
        return failures.told(script.status, script.retry_after_s, headers, script.body)
    if script.status != OK:
        return failures.scripted(script.status, script.retry_after_s, headers)
    return None


def _with(headers: HeaderList, told: Sequence[tuple[bytes, bytes]]) -> HeaderList:
    """The headers, and those told in place of their namesakes."""
    names = {name for name, _ in told}
    return [*(header for header in headers if header[0] not in names), *told]


def _retry_headers(surface: Surface, failure: Failure) -> HeaderList:
    headers: HeaderList = []
    if surface.provider == "anthropic":
        is_retryable = failure.status in RETRYABLE_STATUSES
        headers.append((b"x-should-retry", b"true" if is_retryable else b"false"))
    if (delay_s := failure.retry_after_s) is not None:
        headers.append((b"retry-after", f"{delay_s:g}".encode()))
        if surface.provider == "openai":
            headers.append((b"retry-after-ms", b"%d" % (delay_s * 1000)))
    return headers


async def _wait_before_failing(client: Client, script: Script) -> None:
    if not script.first_byte_delay_ms:
        return
    client.watch()
    await client.pause_until(client.now_s() + script.first_byte_delay_ms / 1000)
    client.unwatch()


async def _read_body(receive: Receive) -> bytes:
    """The body; of one beyond the limit just enough to know that it is."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        part: bytes = message.get("body", b"")
        if size <= BODY_BYTES_MAX:
            parts.append(part)
            size += len(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def _send_plain_404(client: Client) -> None:
    body = b'{"error":"no provider under this path"}'
    length = (b"content-length", b"%d" % len(body))
    await client.start(404, [(b"content-type", b"application/json"), length])
    await client.write(body, is_last=True)


def _now_ms() -> int:
    return int(time() * 1000)
