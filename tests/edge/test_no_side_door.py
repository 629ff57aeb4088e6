"""Every way to spend money at a provider is metered or refused, however it is written.

Requests go through `app.handle` whole. What reaches the provider must be what was judged: a metered call with its
hold, or something free; nothing else passes.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from app import handle
from core.providers import PROVIDERS
from core.routing.paths import resolve_upstream_path
from exchange import Answer
from isolate import Isolate
from settings import parse_settings
from tests.edge.costly_routes import ACCOUNT_POSTS, FREE_POSTS, METERED, UNMETERED
from tests.edge.sdk_routes import routes_of_clients
from tests.support.inbound import an_inbound
from tests.support.memory_ports import TOKEN, ScriptedAnswer, World

BODY = {
    "model": "x",
    "max_tokens": 10,
    "messages": [{"role": "user", "content": "hi"}],
    "input": "hi",
    "contents": [{"parts": [{"text": "hi"}]}],
    "content": {"parts": [{"text": "hi"}]},
}
"""A body that every metered dialect can read."""

READS = ("GET", "HEAD", "DELETE")
UNMETERED_ROUTES = [(provider, path) for provider in PROVIDERS for path in UNMETERED[provider]]
METERED_ROUTES = [(provider, path) for provider in PROVIDERS for path in METERED[provider]]
ROUTES = UNMETERED_ROUTES + METERED_ROUTES


@dataclass(frozen=True)
class Attempt:
    """A request behind `/v1/proxy/{provider}/`."""

    provider: str
    path: str
    method: str = "POST"
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)


Trick = Callable[[Attempt], Attempt]

TRICKS: dict[str, Trick] = {
    "as it is": lambda a: a,
    "with a version": lambda a: replace(a, path="v1/" + a.path),
    "with two versions": lambda a: replace(a, path="v1/v1/" + a.path),
    "with Groq's root": lambda a: replace(a, path="openai/v1/" + a.path),
    "trailing slash": lambda a: replace(a, path=a.path + "/"),
    "trailing slashes": lambda a: replace(a, path=a.path + "//"),
    "double slash": lambda a: replace(a, path=a.path.replace("/", "//")),
    "leading slashes": lambda a: replace(a, path="//" + a.path),
    "leading blank": lambda a: replace(a, path="%20" + a.path),
    "dot segment": lambda a: replace(a, path="./" + a.path),
    "up and back": lambda a: replace(a, path="models/../" + a.path),
    "up and back, encoded": lambda a: replace(a, path="models/%2e%2e/" + a.path),
    "up and back, encoded twice": lambda a: replace(a, path="models/%252e%252e/" + a.path),
    "up and back, slash encoded": lambda a: replace(a, path="models%2F..%2F" + a.path),
    "a slash encoded": lambda a: replace(a, path=a.path.replace("/", "%2F")),
    "a letter encoded": lambda a: replace(a, path=f"%{ord(a.path[0]):02x}{a.path[1:]}"),
    "backslashes": lambda a: replace(a, path=a.path.replace("/", "\\")),
    "upper case": lambda a: replace(a, path=a.path.upper()),
    "path parameter": lambda a: replace(a, path=a.path + ";a=b"),
    "encoded question mark": lambda a: replace(a, path=a.path + "%3falt=sse"),
    "encoded fragment": lambda a: replace(a, path=a.path + "%23"),
    "null byte": lambda a: replace(a, path=a.path + "%00"),
    "line break": lambda a: replace(a, path=a.path + "%0d%0aX: y"),
    "a suffix": lambda a: replace(a, path=a.path + ".json"),
    "another host": lambda a: replace(a, path="@api.example.com/" + a.path),
    "query alt=sse": lambda a: replace(a, query="alt=sse"),
    "PUT": lambda a: replace(a, method="PUT"),
    "PATCH": lambda a: replace(a, method="PATCH"),
    "lower-case method": lambda a: replace(a, method="post"),
    "CONNECT": lambda a: replace(a, method="CONNECT"),
    "GET": lambda a: replace(a, method="GET"),
    "HEAD": lambda a: replace(a, method="HEAD"),
    "DELETE": lambda a: replace(a, method="DELETE"),
    "GET overridden by header": lambda a: replace(a, method="GET", headers={"x-http-method-override": "POST"}),
    "GET overridden by another header": lambda a: replace(a, method="GET", headers={"x-method-override": "POST"}),
    "GET overridden by query": lambda a: replace(a, method="GET", query="%24httpMethod=POST&_method=POST"),
    "GET with headers in its query": lambda a: replace(
        a, method="GET", query="$httpHeaders=X-HTTP-Method-Override%3APOST"
    ),
    "GET to a WebSocket": lambda a: replace(a, method="GET", headers={"upgrade": "websocket", "connection": "Upgrade"}),
    "POST to a WebSocket": lambda a: replace(a, headers={"upgrade": "websocket", "connection": "Upgrade"}),
    "rewritten by header": lambda a: replace(a, method="GET", headers={"x-original-url": "/v1/" + a.path}),
}

OVERRIDES = ("override", "upgrade", "x-original-url", "x-rewrite-url", "x-http-method")


SETTINGS = parse_settings({provider.secret_name: "sk-ours" for provider in PROVIDERS.values()})


def play(attempt: Attempt, **config: object) -> tuple[Answer, World]:
    own_key = ":sk-own" if "tunedModels/" in attempt.path else ""  # the shared key reaches no tenant's own models
    world = World({"requests_per_minute": 1_000_000, **config})
    world.answer = ScriptedAnswer(chunks=(b"{}",))
    request = an_inbound(
        attempt.method,
        f"/v1/proxy/{attempt.provider}/{attempt.path}",
        attempt.query,
        {"authorization": f"Bearer {TOKEN}{own_key}", "content-type": "application/json", **attempt.headers},
        json.dumps({**BODY, "model": "tunedModels/x"} if own_key else BODY).encode(),
    )
    return world.run(handle(request, world.ports(), Isolate(SETTINGS))), world


def path_sent(attempt: Attempt, world: World) -> str:
    base = PROVIDERS[attempt.provider].base_url + "/"
    return world.sent[0].url.partition("?")[0].removeprefix(base)


def is_paid_for(attempt: Attempt, world: World) -> bool:
    """A metered POST: held before it went out, and one record of it charged."""
    return (
        path_sent(attempt, world) in METERED[attempt.provider]
        and world.sent[0].method == "POST"
        and [(record["type"], record["path"]) for record in world.records] == [("call", path_sent(attempt, world))]
        and world.ledger_calls >= 2
    )


def is_free(attempt: Attempt, world: World) -> bool:
    """A plain read: no body, nothing that could make it a POST at the other end, no verb in its path."""
    sent = world.sent[0]
    told = (*sent.headers, sent.url.partition("?")[2].lower())
    return (
        sent.method in READS
        and sent.body is None
        and not any(mark in part for mark in OVERRIDES for part in told)
        and (":" not in path_sent(attempt, world) or attempt.provider != "gemini")
    )


@pytest.mark.parametrize("trick", TRICKS)
def test_whatever_reaches_a_provider_is_paid_for_or_free(trick: str) -> None:
    passed = []
    for provider, path in ROUTES:
        attempt = TRICKS[trick](Attempt(provider, path))

        answer, world = play(attempt)

        if not world.sent:
            assert answer.status in (400, 403, 404, 405, 426), (attempt, answer.status)
        elif not is_paid_for(attempt, world) and not is_free(attempt, world):
            passed.append(attempt)
    assert passed == []


@pytest.mark.parametrize(("provider", "path"), METERED_ROUTES)
def test_a_generating_route_is_metered(provider: str, path: str) -> None:
    attempt = Attempt(provider, path)

    _, world = play(attempt)

    assert is_paid_for(attempt, world)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize(("provider", "path"), UNMETERED_ROUTES)
def test_every_other_route_that_costs_money_is_refused(provider: str, path: str, method: str) -> None:
    answer, world = play(Attempt(provider, path, method))

    assert (answer.status, world.sent) == (403, [])
    assert b"unmetered_path" in answer.body


def test_the_official_clients_know_no_other_way_to_spend() -> None:
    """Whatever a client writes to is metered, counts tokens, or is refused; a new release shows its new routes here."""
    allowed = {
        (provider, path)
        for table in (METERED, FREE_POSTS, ACCOUNT_POSTS)
        for provider, paths in table.items()
        for path in paths
    }
    passing = set()
    for provider, method, path in routes_of_clients():
        if method not in READS:
            resolved = resolve_upstream_path(provider, path.lstrip("/").partition("?")[0].replace("}", ""), method)
            if resolved.billing != "unmetered":
                passing.add((provider, resolved.path))

    assert passing - allowed == set()
    assert ("openai", "responses") in passing
    assert ("gemini", "v1beta/models/x:generateContent") in passing


@pytest.mark.parametrize("path", ["realtime", "responses", "live/sessions/x"])
@pytest.mark.parametrize("provider", ["openai", "xai"])
def test_a_connection_that_leaves_http_is_refused_even_where_unmetered_paths_are_allowed(
    provider: str, path: str
) -> None:
    attempt = Attempt(provider, path, "GET", headers={"upgrade": "WebSocket"})

    answer, world = play(attempt, allow_unmetered_paths=True)

    assert (answer.status, world.sent) == (426, [])
    assert b"http_only" in answer.body


def test_an_offer_of_another_http_is_not_taken_and_the_call_goes_on() -> None:
    answer, world = play(Attempt("openai", "chat/completions", headers={"upgrade": "h2c", "connection": "Upgrade"}))

    assert (answer.status, len(world.sent)) == (200, 1)
    assert "upgrade" not in world.sent[0].headers


@pytest.mark.parametrize(("provider", "path"), [(name, path) for name in FREE_POSTS for path in FREE_POSTS[name]])
def test_what_judges_and_counts_passes_free_and_counts_against_the_rate(provider: str, path: str) -> None:
    answer, world = play(Attempt(provider, path), requests_per_minute=1)

    assert (answer.status, world.sent[0].method, path_sent(Attempt(provider, path), world)) == (200, "POST", path)
    assert world.sent[0].body == json.dumps(BODY).encode()
    assert world.ledger_calls == 1, "counted, and nothing held"
    assert world.records == []


@pytest.mark.parametrize("path", ["moderations", "images/generations", "models"])
def test_a_key_that_nobody_takes_for_one_is_not_replaced_by_ours(path: str) -> None:
    method = "GET" if path == "models" else "POST"
    attempt = Attempt("openai", path, method, headers={"authorization": f"Bearer {TOKEN}~run-1:pat_0123456789ABCDEF"})

    answer, world = play(attempt, allow_unmetered_paths=True)

    assert (answer.status, world.sent) == (400, [])
    assert b"openai=your-key" in answer.body


def test_what_was_judged_as_json_goes_as_json() -> None:
    attempt = Attempt("openai", "moderations", headers={"content-type": "application/x-www-form-urlencoded"})

    _, world = play(attempt)

    assert world.sent[0].headers["content-type"] == "application/json"


def test_a_count_tells_nothing_of_what_another_tenant_has_stored() -> None:
    world = World({})
    request = an_inbound(
        "POST",
        "/v1/proxy/openai/v1/responses/input_tokens",
        "",
        {"authorization": f"Bearer {TOKEN}"},
        b'{"model":"gpt-4o-mini","previous_response_id":"resp_of_others"}',
    )

    answer = world.run(handle(request, world.ports(), Isolate(SETTINGS)))

    assert (answer.status, world.sent) == (403, [])
    assert b"shared_account" in answer.body


@pytest.mark.parametrize(("provider", "path"), [(name, path) for name in ACCOUNT_POSTS for path in ACCOUNT_POSTS[name]])
def test_what_ends_or_files_what_is_stored_is_free_with_a_key_of_one_s_own(provider: str, path: str) -> None:
    shared, asked = play(Attempt(provider, path))
    own, heard = play(Attempt(provider, path, headers={"authorization": f"Bearer {TOKEN}:sk-own"}))

    assert (shared.status, asked.sent) == (403, [])
    assert b"shared_account" in shared.body and f"POST /v1/proxy/{provider}/{path}".encode() in shared.body
    assert (own.status, path_sent(Attempt(provider, path), heard), heard.records) == (200, path, [])


def test_a_tenant_may_let_an_unmetered_path_through() -> None:
    answer, world = play(Attempt("openai", "images/generations"), allow_unmetered_paths=True)

    assert answer.status == 200
    assert len(world.sent) == 1


POLLS = [
    ("openai", "responses/x"), ("openai", "batches/x"), ("openai", "videos/x/content"), ("openai", "chat/completions"),
    ("anthropic", "messages/batches/x/results"), ("gemini", "v1beta/operations/x"), ("gemini", "v1beta/files/x:download"),
    ("groq", "batches/x"), ("xai", "chat/deferred-completion/x"), ("xai", "models"),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "path"), POLLS)
def test_reading_what_was_made_before_is_free_with_a_key_of_one_s_own(provider: str, path: str) -> None:
    attempt = Attempt(provider, path, "GET", headers={"authorization": f"Bearer {TOKEN}:sk-own"})

    answer, world = play(attempt)

    assert answer.status == 200
    assert (world.sent[0].method, path_sent(attempt, world), world.sent[0].body) == ("GET", path, None)
