"""AgentWatch's administration as its wire has it, in a thread and in memory: documents with versions, keys, lists with
cursors, refusals in their order. `on_request` may answer in its place, or change something first.

Names in it are as bad as a caller can make them.
"""

from __future__ import annotations

import itertools
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

TOKEN = "aw_live_canary" + "7f" * 17
TITLE = "\x1b]0;owned\x07"
RED = "\x9b31mred"
MARKUP = "[/x]"
TURNED = "safe\u202egpj.exe"
HOSTILE = (TITLE, RED, MARKUP, TURNED)

HANG_UP = "hang up"
HANG_UP_AFTERWARDS = "hang up afterwards"
"""What was asked is done, and nobody hears of it."""


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    document: Any

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Reply:
    status: int = 200
    document: object = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


def refusal(status: int, code: str, message: str = "no", **details: object) -> Reply:
    error = {"message": message, "type": "error", "code": code, "param": None, "request_id": "req_1", **details}
    return Reply(status, {"error": error}, {"x-should-retry": "false"} if status < 429 else {})


@dataclass
class Document:
    versions: list[dict[str, Any]] = field(default_factory=lambda: [{}])

    @property
    def version(self) -> int:
        return len(self.versions) - 1

    def write(self, document: dict[str, Any]) -> None:
        self.versions.append(document)


def an_account(scope: str, scope_id: str, window: str = "month", **members: Any) -> dict[str, Any]:
    account = {"scope": scope, "scope_id": scope_id, "window": window, "limit_usd": "10", "spent_usd": "1.5"}
    account |= {"held_usd": "0", "resets_at": 1_798_761_600_000, "overrun_usd": "0", "prompt_tokens": 10}
    account |= {"completion_tokens": 5, "paused": False, "paused_by": None, "hard": True, "alert_percent": None}
    return {**account, **members}


def a_call(number: int, **members: Any) -> dict[str, Any]:
    call = {"request_id": f"req_{number}", "attempt": 1, "started_at": 1_795_000_000_000 + number, "stored_at": number}
    call |= {"provider": "openai", "model": "gpt-4o-mini", "outcome": "complete", "status": 200, "cost_usd": "0.001"}
    call |= {"prompt_tokens": 10, "completion_tokens": 2, "session_id": "run-1", "team": TITLE, "key_id": "key_1"}
    call |= {"project": None, "agent": None, "latency_ms": 12.5, "is_streaming": False, "is_cut": False}
    return {**call, "error_code": None, "rules": [], "tags": [], "price_version": "1", **members}


WHO = {"tenant": "acme", "role": "admin", "actor": "key:key_1", "key_id": "key_1", "team": None, "how": "key"}
WHO |= {"expires_at": None, "calls": True, "config_version": 3}
SERVED: list[tuple[str, str, Callable[..., Reply]]] = []


def route(method: str, path: str) -> Callable[[Callable[..., Reply]], Callable[..., Reply]]:
    def register(function: Callable[..., Reply]) -> Callable[..., Reply]:
        SERVED.append((method, re.sub(r"\{\w+\}", "([^/]+)", path), function))
        return function

    return register


class ScriptedApi:
    def __init__(self) -> None:
        self.received: list[Received] = []
        self.on_request: Callable[[Received], Reply | str | None] = lambda _: None
        self.documents: dict[str, Document] = {name: Document() for name in ("config", "rules", "failover", "prices")}
        self.documents |= {"platform/prices": Document(), "tenants/acme": Document()}
        self.keys: dict[str, dict[str, Any]] = {}
        self.idempotent: dict[str, str] = {}
        self.numbers = itertools.count(1)
        self.who = dict(WHO)
        self.calls = [a_call(number) for number in range(1, 4)]
        self.sessions = [an_account("session", f"run-{number}", "session") for number in range(1, 4)]
        self.budgets = [an_account("tenant", "acme", window) for window in ("month", "day", "total")]
        self.usage = [{"day": "2026-11-01", "team": MARKUP, "model": "gpt-4o-mini", "provider": "openai"}]
        self.letters = [f"letter_{number}" for number in (1, 2)]
        self.replayed: list[str] = []
        self.provider_keys: dict[str, str] = {"openai": "1234"}
        self.made_tokens: list[str] = []
        for name in HOSTILE:
            self.a_key(name=name)
        rules = [
            {
                "id": "stop-loop",
                "name": TURNED,
                "condition": {"team": RED},
                "action": {"type": "block", "message": TITLE},
            },
            {"id": "tag-eu", "condition": {"always": True}, "action": {"type": "tag", "tags": [MARKUP]}},
        ]
        self.documents["config"].write(
            {"session_budget_usd": "5", "slack_webhook_url": "https://hooks.slack.com/T/abcd1234"}
        )
        self.documents["rules"].write({"rules": rules})
        chain = {"match": {"model": MARKUP}, "hops": [{"provider": "openai", "model": RED}]}
        self.documents["failover"].write({"chains": [chain], "attempts_max": 3})
        rates = {"input_usd_per_mtok": "1", "output_usd_per_mtok": "2", "reasoning_usd_per_mtok": "3"}
        self.documents["prices"].write({"models": {f"openai/{TITLE}": rates}, "free_models": [MARKUP]})
        self.documents["platform/prices"].write({"aliases": {"openai/a": "openai/b"}})
        self.documents["tenants/acme"].write({"name": RED, "suspended": False, "require_session": False})

    # What a test reads.

    def asked(self, line: str) -> list[Received]:
        return [each for each in self.received if each.line == line]

    def a_key(self, **members: Any) -> dict[str, Any]:
        key_id = f"key_{next(self.numbers):016x}"
        terms: dict[str, Any] = dict.fromkeys(
            ("team", "expires_at", "requests_per_minute", "tokens_per_minute", "origins")
        )
        terms |= {"budget_usd": None, "role": "developer", "calls": True, "name": "key"}
        known = {"key_id": key_id, "prefix": "aw_live_3f9a", "last_four": "beef", "state": "active", "created_at": 1}
        known |= {"created_by": TITLE, "last_used_at": None, "spent_usd": "0", "held_usd": "0", "resets_at": None}
        self.keys[key_id] = {**terms, **members, **known, "rotated_until": None, "version": 1}
        return self.keys[key_id]

    def a_token(self) -> str:
        token = f"aw_live_made{next(self.numbers):044x}"
        self.made_tokens.append(token)
        return token

    # How it answers.

    def answer(self, received: Received) -> Reply:
        found = [
            (method, function, match)
            for method, pattern, function in SERVED
            if (match := re.fullmatch(pattern, received.path))
        ]
        if not found:
            return refusal(404, "route_not_found")
        served = next((each for each in found if each[0] == received.method), None)
        if served is None:
            return refusal(405, "method_not_allowed")
        if received.headers.get("authorization") != f"Bearer {TOKEN}":
            return refusal(401, "invalid_token", "the token is not valid")
        return served[1](self, received, *map(unquote, served[2].groups()))


@route("GET", "/v1/whoami")
def whoami(api: ScriptedApi, _: Received) -> Reply:
    return Reply(200, api.who)


def page(entries: list[Any], received: Received, names: tuple[str, str] = ("data", "next")) -> Reply:
    """A cursor is where it goes on; a limit is at most 200."""
    known = {"limit", "after", "below", "from", "until", "kind", "group_by", "team", "session_id", "key_id", "model"}
    if set(received.query) - known - {"provider", "outcome"}:
        return refusal(400, "invalid_request", "unknown query parameter")
    begin, limit = int(received.query.get("after", "0")), int(received.query.get("limit", "100"))
    if not 1 <= limit <= 200:
        return refusal(400, "invalid_request", "limit")
    end = begin + limit
    return Reply(200, {names[0]: entries[begin:end], names[1]: str(end) if end < len(entries) else None})


# Keys.


@route("GET", "/v1/keys")
def list_keys(api: ScriptedApi, received: Received) -> Reply:
    return page(list(api.keys.values()), received)


@route("POST", "/v1/keys")
def create_key(api: ScriptedApi, received: Received) -> Reply:
    name = received.headers.get("idempotency-key", "")
    if name in api.idempotent:
        again = {**api.keys[api.idempotent[name]], "token": None, "code": "token_already_shown"}
        return Reply(200, again, {"idempotent-replayed": "true"})
    key = api.a_key(**received.document)
    api.idempotent[name] = key["key_id"]
    return Reply(201, {**key, "token": api.a_token(), "code": None})


@route("GET", "/v1/keys/{key_id}")
def read_key(api: ScriptedApi, _: Received, key_id: str) -> Reply:
    return Reply(200, api.keys[key_id]) if key_id in api.keys else refusal(404, "not_found", "there is no such key")


@route("PUT", "/v1/keys/{key_id}")
def change_key(api: ScriptedApi, received: Received, key_id: str) -> Reply:
    members = {"name", "team", "role", "expires_at", "requests_per_minute", "tokens_per_minute", "budget_usd", "calls"}
    members |= {"origins"}
    if set(received.document) - members - {"disabled"}:
        return refusal(400, "invalid_request", "unknown field")
    key = api.keys[key_id]
    key |= {name: received.document.get(name) for name in members}
    key |= {"state": "disabled" if received.document.get("disabled") else "active", "version": key["version"] + 1}
    return Reply(200, key)


@route("DELETE", "/v1/keys/{key_id}")
def revoke_key(api: ScriptedApi, _: Received, key_id: str) -> Reply:
    api.keys[key_id]["state"] = "revoked"
    return Reply(200, api.keys[key_id])


@route("POST", "/v1/keys/{key_id}/rotate")
def rotate_key(api: ScriptedApi, received: Received, key_id: str) -> Reply:
    if key_id not in api.keys:
        return refusal(404, "not_found")
    return Reply(200, {**api.keys[key_id], "rotated_until": received.document["overlap_s"], "token": api.a_token()})


# Documents.


def read_document(api: ScriptedApi, received: Received, name: str) -> Reply:
    if name not in api.documents:
        return refusal(404, "not_found")
    document = api.documents[name]
    version = int(received.query.get("version", document.version))
    if not 0 <= version <= document.version:
        return refusal(404, "not_found", f"version {version} of this document is not kept")
    return Reply(200, document.versions[version], {"etag": f'W/"{version}"'})


def write_document(api: ScriptedApi, received: Received, name: str) -> Reply:
    document, tag = api.documents[name], received.headers.get("if-match")
    if tag is None:
        return refusal(428, "version_required")
    if tag not in ("*", f'"{document.version}"'):
        return refusal(412, "version_changed", "somebody has written meanwhile", present_version=document.version)
    if received.document.get("bad"):
        mistakes = [{"pointer": "/bad", "code": "unknown_field", "message": f"is not known {RED}"}]
        return refusal(400, "invalid_request", "the document does not fit", errors=mistakes)
    warnings = (
        [{"path": "rules[0]", "code": "odd", "message": f"is odd {TITLE}"}] if "rules" in received.document else []
    )
    if received.document != document.versions[-1]:
        document.write(received.document)
    receipt = {"version": document.version, **({"warnings": warnings} if warnings else {})}
    return Reply(200, receipt, {"etag": f'"{document.version}"'})


def history(api: ScriptedApi, received: Received, name: str) -> Reply:
    below, limit = int(received.query.get("below", "1000")), int(received.query.get("limit", "100"))
    if limit > 50:
        return refusal(400, "invalid_request", "limit")
    numbers = [number for number in range(api.documents[name].version, 0, -1) if number < below]
    versions = [{"version": each, "written_at_ms": each, "written_by": MARKUP} for each in numbers[:limit]]
    return Reply(200, {"versions": versions, "next_below": numbers[limit - 1] if len(numbers) > limit else None})


DOCUMENTS = "/v1/(config|rules|failover|prices|platform/prices|tenants/[^/]+)"
SERVED += [("GET", DOCUMENTS, read_document), ("PUT", DOCUMENTS, write_document)]
SERVED += [("GET", f"{DOCUMENTS}/history", history)]


# Tenants.


@route("GET", "/v1/tenants")
def list_tenants(_: ScriptedApi, received: Received) -> Reply:
    return page([{"tenant": name, "created_at": 1} for name in ("acme", TURNED)], received)


@route("POST", "/v1/tenants")
def create_tenant(api: ScriptedApi, received: Received) -> Reply:
    name = received.document["tenant"]
    if f"tenants/{name}" in api.documents:
        return refusal(409, "already_exists")
    api.documents[f"tenants/{name}"] = Document()
    key = {**api.a_key(name="Administrator", role="admin"), "token": api.a_token()}
    return Reply(201, {"tenant": name, "name": received.document.get("name"), "admin_key": key, "version": 1})


@route("POST", "/v1/tenants/{tenant}/admin-key")
def admin_key(api: ScriptedApi, _: Received, tenant: str) -> Reply:
    if f"tenants/{tenant}" not in api.documents:
        return refusal(404, "not_found")
    return Reply(201, {**api.a_key(name="Administrator", role="admin"), "token": api.a_token()})


# Money.


def changed(accounts: list[dict[str, Any]], received: Received) -> Reply:
    change = dict(received.document)
    window = change.pop("window", None)
    for account in accounts if window is None else [each for each in accounts if each["window"] == window]:
        if change.pop("reset", False):
            account["spent_usd"] = "0"
        account |= change
    return Reply(200, {"accounts": accounts})


SERVED += [
    ("GET", "/v1/budget", lambda api, _: Reply(200, {"accounts": api.budgets})),
    ("PUT", "/v1/budget", lambda api, received: changed(api.budgets, received)),
    ("GET", "/v1/teams/([^/]+)/budget", lambda api, _, team: Reply(200, {"accounts": [an_account("team", team)]})),
    ("PUT", "/v1/teams/([^/]+)/budget", lambda api, received, team: changed([an_account("team", team)], received)),
    ("GET", "/v1/sessions", lambda api, received: page(api.sessions, received, ("sessions", "next_after"))),
]


@route("GET", "/v1/teams")
def list_teams(_: ScriptedApi, received: Received) -> Reply:
    teams = [{"team": name, "limit_usd": None, "spent_usd": "0", "held_usd": "0"} for name in HOSTILE]
    return page([{**team, "resets_at": None, "paused": True} for team in teams], received)


def session(api: ScriptedApi, received: Received, session_id: str) -> Reply:
    accounts = [each for each in api.sessions if each["scope_id"] == session_id]
    return changed(accounts, received) if received.document else Reply(200, {"accounts": accounts})


SERVED += [(method, "/v1/sessions/([^/]+)", session) for method in ("GET", "PUT", "DELETE")]


# The rest.


@route("POST", "/v1/rules/test")
def try_rules(_: ScriptedApi, received: Received) -> Reply:
    member = {"member": "model", "wanted": RED, "fact": received.document["call"]["model"], "holds": "true"}
    rule = {"id": "stop-loop", "name": TURNED, "action": "block", "mode": "enforce", "fires": True, "skipped": None}
    rules = [{**rule, "holds": "true", "members": [member]}]
    rules += [{**rule, "id": "tag-eu", "fires": False, "skipped": "not_reached", "holds": "unknown", "members": []}]
    done = {"action": "block", "rule": "stop-loop", "fired": ["stop-loop"]}
    broken = [{"id": MARKUP, "reason": TITLE}]
    return Reply(200, {"ruling": {"done": done}, "redacted_by": [], "rules": rules, "broken": broken})


@route("POST", "/v1/prices/test")
def try_prices(_: ScriptedApi, received: Received) -> Reply:
    tried = [
        {**each, "priced_as": "openai/o1", "is_stand_in": "unheard" in each["model"]}
        for each in received.document["models"]
    ]
    return Reply(200, {"price_version": "1", "data": tried})


@route("POST", "/v1/failover/test")
def try_failover(_: ScriptedApi, received: Received) -> Reply:
    hops = [{"provider": "openai", "model": received.document["body"]["model"], "estimated_cost_usd": "0.1"}]
    return Reply(200, {"chain": MARKUP, "hops": [*hops, {"provider": "groq", "model": RED, "left_out": "no_key"}]})


def cooling(_: ScriptedApi, __: Received) -> Reply:
    circle = {"scope": "model", "provider": "openai", "model": MARKUP, "reason": TITLE, "since_ms": 1, "until_ms": 2}
    return Reply(200, {"cooling": [{**circle, "count": 3}]})


SERVED += [(method, "/v1/failover/health", cooling) for method in ("GET", "DELETE")]


def _sums_of(group: dict[str, Any]) -> dict[str, Any]:
    return {name: group[name] for name in ("prompt_tokens", "completion_tokens", "cost_usd") if name in group}


@route("GET", "/v1/usage")
def usage(api: ScriptedApi, received: Received) -> Reply:
    if not {"from", "until"} <= set(received.query):
        return refusal(400, "invalid_request", "from and until are needed")
    groups = [each for each in received.query.get("group_by", "").split(",") if each]
    sums = {"requests": 3, "attempts": 4, "prompt_tokens": 100, "completion_tokens": 20, "cost_usd": "0.25"}
    answer = page(
        [{**{name: each.get(name) for name in groups}, **sums, **_sums_of(each)} for each in api.usage], received
    )
    assert isinstance(answer.document, dict)
    return Reply(200, {**answer.document, "complete_until": 1_795_000_000_000})


@route("GET", "/v1/events")
def events(_: ScriptedApi, received: Received) -> Reply:
    access = {"kind": "access", "occurred_at": 3, "method": "GET", "path": f"/v1/{RED}", "status": 200, "actor": TITLE}
    auth = {"kind": "auth", "occurred_at": 2, "method": "GET", "path": "/v1/keys", "outcome": "refused", "actor": None}
    budget = {"kind": "budget", "occurred_at": 1, "change": "paused", "scope_kind": "team", "scope_id": MARKUP}
    return page([access, auth, {**budget, "scope_window": "month", "limit_usd": None, "spent_usd": "1"}], received)


@route("GET", "/v1/calls")
def calls(api: ScriptedApi, received: Received) -> Reply:
    limit = int(received.query.get("limit", "100"))
    begin = int(received.query["after"]) if "after" in received.query else max(0, len(api.calls) - limit)
    found = api.calls[begin : begin + limit]
    return Reply(200, {"data": found, "next": str(begin + len(found))})


def letter(api: ScriptedApi, letter_id: str) -> dict[str, Any]:
    asked = 2 if letter_id in api.replayed else None
    known = {"letter_id": letter_id, "reason": TITLE, "buried_at": 1, "replay_requested_at": asked, "replayed_at": None}
    return {**known, "result": None, "tenant": MARKUP, "type": "call"}


@route("GET", "/v1/dead-letters")
def list_letters(api: ScriptedApi, received: Received) -> Reply:
    return page([letter(api, each) for each in api.letters], received)


@route("POST", "/v1/dead-letters/{letter_id}/replay")
def replay(api: ScriptedApi, _: Received, letter_id: str) -> Reply:
    if letter_id not in api.letters:
        return refusal(404, "not_found")
    api.replayed.append(letter_id)
    return Reply(200, letter(api, letter_id))


def provider_key(provider: str, last_four: str) -> dict[str, Any]:
    return {"provider": provider, "last_four": last_four, "set_at": 1, "set_by": TITLE}


@route("GET", "/v1/provider-keys")
def list_provider_keys(api: ScriptedApi, _: Received) -> Reply:
    return Reply(200, {"data": [provider_key(*each) for each in api.provider_keys.items()], "next": None})


@route("PUT", "/v1/provider-keys/{provider}")
def put_provider_key(api: ScriptedApi, received: Received, provider: str) -> Reply:
    api.provider_keys[provider] = received.document["key"][-4:]
    return Reply(200, provider_key(provider, api.provider_keys[provider]))


@route("DELETE", "/v1/provider-keys/{provider}")
def delete_provider_key(api: ScriptedApi, received: Received, provider: str) -> Reply:
    """What is left, also where there was none."""
    api.provider_keys.pop(provider, None)
    return list_provider_keys(api, received)


@route("GET", "/v1/webhooks")
def webhooks(_: ScriptedApi, __: Received) -> Reply:
    signing = {"last_four": "wxyz", "rotated_until": 1}
    hook = {"id": "webhook", "url_host": RED, "url_last_four": "abcd", "signing": signing, "state": "unusable"}
    hook |= {"fault": TITLE}
    return Reply(200, {"data": [hook, {**hook, "id": "slack", "signing": None}]})


@route("POST", "/v1/webhooks/test")
def test_webhooks(_: ScriptedApi, __: Received) -> Reply:
    return Reply(200, {"data": [{"id": "slack", "result": "sent", "status": 200, "milliseconds": 12}]})


@route("POST", "/v1/webhooks/secret")
def webhook_secret(api: ScriptedApi, _: Received) -> Reply:
    return Reply(200, {"secret": api.a_token(), "rotated_until": 1})


# The server.


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Whoever gave up on an answer closes its connection."""


@contextmanager
def scripted_api() -> Iterator[tuple[ScriptedApi, str]]:
    """The API and its address."""
    api, lock = ScriptedApi(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = dict(parse_qsl(address.query, keep_blank_values=True))
            received = Received(self.command, address.path, query, headers, json.loads(body) if body else None)
            with lock:
                api.received.append(received)
                said = api.on_request(received)
                reply = said if isinstance(said, Reply) else None if said == HANG_UP else api.answer(received)
            if reply is None or said == HANG_UP_AFTERWARDS:
                self.close_connection = True
                return
            content = json.dumps(reply.document).encode() if reply.body is None else reply.body
            self.send_response(reply.status)
            for name, value in {"content-type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_PUT = do_DELETE = do_GET

        def log_message(self, *_: object) -> None:
            return

    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield api, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
