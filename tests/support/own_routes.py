"""Asking our own routes, whichever there are: for each row of the table a request that goes well, as whoever may ask.

A new row is taken up by itself. It needs an entry here only where it has to be sent something: a body that is not `{}`,
a query, or the id of a thing that has to be made first.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from api.endpoint import AnyEndpoint, Nothing
from core.ledger.people.messages import SignOnRequest
from core.roles import Audience, may
from core.tenant.documents import DOCUMENTS
from exchange import Answer
from isolate import Isolate
from tests.support.api_client import ADMIN, OPERATOR, Client, a_world_with_administrators, an_isolate
from tests.support.memory_ports import START_MS, TOKEN, World
from tests.support.scripted_records import LETTER

DEVELOPER = "aw_live_" + "1d" * 24
INGEST = "aw_live_" + "2e" * 24
EXPIRED = "aw_live_" + "3a" * 24

TOKENS: Mapping[str, str] = {
    "member": TOKEN,
    "admin": ADMIN,
    "developer": DEVELOPER,
    "ingest": INGEST,
    "operator": OPERATOR,
}
"""A token of each role, all of them of one tenant but the operator's."""

PATHS: dict[str, str] = {
    "session_id": "run-42",
    "team": "search",
    "hold_id": "evt_1",
    "provider": "openai",
    "model": "openai/gpt-4o",
    "letter_id": str(LETTER["letter_id"]),
}
"""What stands in a path. What has to be made first is in `MADE`."""

MADE: dict[str, Callable[["Asker"], str]] = {
    "key_id": lambda asker: str(asker.made("POST", "/v1/keys", BODIES["NewKey"])["key_id"]),
    "tenant": lambda asker: str(asker.made("POST", "/v1/tenants", BODIES["NewTenant"], OPERATOR)["tenant"]),
    "email": lambda asker: asker.signed_on(),
}
"""The id of a thing, made for the purpose."""

NOWHERE: dict[str, str] = {
    "session_id": "run-43",
    "team": "nobody",
    "hold_id": "evt_2",
    "key_id": "key_0123456789abcdef",
    "tenant": "nobody",
    "letter_id": "0" * 64,
    "email": "nobody@example.com",
    "provider": "groq",
    "model": "groq/nobody",
}
"""Names that no tenant has; for a provider, one for which none has a key."""

QUERIES: dict[str, str] = {
    "BudgetCheckQuery": "session_id=run-42",
    "UsageQuery": "from=2026-11-01&until=2026-12-01&group_by=day,model",
}
"""A query of each type that has to say something."""

BODIES: dict[str, Any] = {
    "Report": {"model": "gpt-4o-mini", "prompt_tokens": 100, "completion_tokens": 10, "latency_ms": 5},
    "HoldRequest": {
        "hold_id": "evt_1",
        "model": "gpt-4o-mini",
        "dialect": "openai_chat",
        "input_bytes": 100,
        "output_tokens_max": 500,
        "session_id": "run-42",
    },
    "BudgetChange": {"limit_usd": "12.50", "alert_percent": 80},
    "PriceTrial": {"models": [{"provider": "openai", "model": "gpt-4o-mini"}]},
    "ConfigDocument": {"session_budget_usd": "5", "requests_per_minute": 600},
    "RulesDocument": {
        "rules": [
            {"id": "no-big-models", "condition": {"model": "gpt-4o", "team": "search"}, "action": {"type": "block"}}
        ]
    },
    "FailoverDocument": {
        "chains": [
            {"match": {"model": "gpt-4o-mini"}, "hops": [{"provider": "anthropic", "model": "claude-haiku-4-5"}]}
        ]
    },
    "FailoverTest": {
        "path": "/v1/chat/completions",
        "body": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]},
    },
    "PricesDocument": {
        "models": {"openai/our-model": {"input_usd_per_mtok": "1.25", "output_usd_per_mtok": "10"}},
        "aliases": {"openai/cheap": "openai/gpt-4o-mini"},
        "discount_percent": {"openai": "12.5"},
        "free_models": ["groq/llama-3.1-8b-instant"],
    },
    "NewTenant": {"tenant": "globex", "name": "Globex", "session_budget_max_usd": "20", "budget_max_usd": "5000"},
    "TenantDocument": {"name": "Globex", "suspended": False, "budget_max_usd": "8000"},
    "NewKey": {
        "name": "nightly evaluation",
        "team": "search",
        "role": "developer",
        "requests_per_minute": 60,
        "budget_usd": "50",
    },
    "KeyChange": {
        "name": "nightly evaluation",
        "team": "search",
        "role": "developer",
        "requests_per_minute": 120,
        "budget_usd": "80",
    },
    "ProviderKeyBody": {"key": "sk-your-key-0123456789abcdef"},
    "Rotation": {"overlap_s": 3600},
    "SecretChange": {"overlap_s": 3600},
    "RulesTest": {"call": {"provider": "openai", "model": "gpt-4o", "team": "search"}},
}
"""A body of each type that does not take `{}`, or says nothing by it."""


@dataclass
class Asker:
    """A world with a token of every role, and the means to ask anything of it."""

    world: World = field(default_factory=a_world_with_administrators)
    isolate: Isolate = field(default_factory=an_isolate)
    names: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world.knows(DEVELOPER, tenant="acme", role="developer", team="search", key_id="key_dev")
        self.world.knows(INGEST, tenant="acme", role="ingest", key_id="key_in")
        self.world.knows(EXPIRED, tenant="acme", role="admin", key_id="key_old", expires_at_ms=START_MS - 1)

    def lives(self) -> "Asker":
        """With a session that has spent, budgets and documents: for who looks at them."""
        told = {**BODIES["Report"], "session_id": "run-42", "agent": "planner", "event_id": "evt_0"}
        self.ask("POST", "/v1/ingest", told, TOKEN)
        for path in ("/v1/budget", "/v1/teams/search/budget", "/v1/sessions/run-42"):
            self.ask("PUT", path, BODIES["BudgetChange"])
        for kind in DOCUMENTS:
            if kind.has_routes:
                self.ask("PUT", f"/v1/{kind.name}", BODIES[kind.schema.__name__], if_match="*")
        self.signed_on()
        return self

    def signed_on(self) -> str:
        """The address of a person who has."""
        person = SignOnRequest(email="alice@example.com", sub="7335d417-61da-459d-899c-0a01c76a2f94")
        self.world.ledger_of("acme").service.answer(person, self.world.now_ms())
        return person.email

    def ask(self, method: str, path: str, body: Any = None, token: str | None = ADMIN, **headers: str) -> Answer:
        return Client(self.world, self.isolate, token).ask(method, path, body, **headers)

    def ask_well(self, endpoint: AnyEndpoint, token: str | None = "", **changes: Any) -> Answer:
        """As it should be asked, but for `changes` of `path`, `query`, `body`, `method` or a header."""
        path = changes.pop("path", None) or self.path_of(endpoint)
        query = changes.pop("query", QUERIES.get(endpoint.query.__name__, ""))
        body = changes.pop("body", body_of(endpoint))
        headers = {"if_match": "*"} if "if-match" in endpoint.headers else {}
        headers = {name: text for name, text in (headers | changes.pop("headers", {})).items() if text is not None}
        method = changes.pop("method", endpoint.method)
        assert not changes, changes
        asking = token_for(endpoint) if token == "" else token
        return self.ask(method, f"{path}?{query}" if query else path, body, asking, **headers)

    def work(self) -> int:
        """How much was asked of ports so far, with what each Ledger has asked of its rows."""
        rows = sum(len(ledger.rows.statements) for ledger in self.world.ledgers.values())
        return self.world.awaits + self.world.ledger_calls + self.world.kv_reads + rows

    def path_of(self, endpoint: AnyEndpoint, **changes: str) -> str:
        """The endpoint's path, with the id of something that is there for each parameter."""
        named = {name: changes.get(name) or self.named(name) for name in endpoint.parameters}
        return endpoint.path.format(**{name: quote(text, safe="") for name, text in named.items()})

    def made(self, method: str, path: str, body: Any, token: str | None = ADMIN) -> Any:
        answer = self.ask(method, path, body, token)
        assert answer.status < 300, answer.body
        return json.loads(answer.body)

    def named(self, parameter: str) -> str:
        """The name of something that is there, made at the first time."""
        if parameter in MADE and parameter not in self.names:
            self.names[parameter] = MADE[parameter](self)
        return self.names.get(parameter) or PATHS[parameter]


def body_of(endpoint: AnyEndpoint) -> Any:
    """None where there is none."""
    return None if endpoint.body is Nothing else BODIES.get(endpoint.body.__name__, {})


def token_for(endpoint: AnyEndpoint) -> str | None:
    """Of somebody who may ask: an administrator wherever one may."""
    return token_of(endpoint.audience)


def token_of(audience: Audience) -> str | None:
    if audience == "public":
        return None
    return next(TOKENS[role] for role in ("admin", *TOKENS) if may(role, audience))


def error_of(answer: Answer) -> tuple[int, Any]:
    return answer.status, json.loads(answer.body)["error"]


def without_request_id(answer: Answer) -> tuple[int, bytes, dict[str, str]]:
    """An answer as far as two of them can be alike."""
    request_id = answer.headers["x-agentwatch-request-id"]
    headers = {name: text for name, text in answer.headers.items() if text != request_id}
    assert isinstance(answer.body, bytes)
    return answer.status, answer.body.replace(request_id.encode(), b""), headers
