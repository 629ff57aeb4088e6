"""A tenant's receivers over HTTP: listed, given a secret, and tried by the way that every alert goes."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from isolate import Isolate
from services import Answer
from sink import take
from tests.queue_consumer.scripted_services import ScriptedServices
from tests.support.aes_sealing import AesSealing
from tests.support.api_client import ADMIN, ANSWER, CHAT, Client, a_world_with_administrators
from tests.support.failover import an_isolate_with_keys
from tests.support.memory_ports import START_MS, TOKEN, ScriptedAnswer, World

SLACK, HOOK = "https://hooks.slack.com/services/T0/B0/abcd", "https://alerts.example.com/agentwatch?k=wxyz"
BOTH = {"slack_webhook_url": SLACK, "webhook_url": HOOK}


class Deployment(World):
    """A world in which the telemetry Worker takes a batch off the queue whenever somebody waits."""

    def __init__(self) -> None:
        super().__init__({"requests_per_minute": 1_000_000, **BOTH})
        self.kv |= a_world_with_administrators().kv | self.kv
        self.services = ScriptedServices(ledgers=self.ledger_of, sealing=self.sealing, takes_ms=7)
        self.has_telemetry_worker = True
        self.verdicts: list[Any] = []

    async def sleep_ms(self, duration_ms: int) -> None:
        self.pass_time(duration_ms)
        self.services.at_ms = self.now_ms()
        texts, self.records = [json.dumps(each) for each in self.records], []
        if self.has_telemetry_worker and texts:
            self.verdicts += await take(texts, self.services)


@pytest.fixture
def world() -> Deployment:
    return Deployment()


@pytest.fixture
def isolate() -> Isolate:
    return an_isolate_with_keys()


@pytest.fixture
def admin(world: Deployment, isolate: Isolate) -> Client:
    return Client(world, isolate, ADMIN)


def make_secret(admin: Client, **body: Any) -> Any:
    answer = admin.ask("POST", "/v1/webhooks/secret", body)
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store, no-transform"), answer.body
    return json.loads(answer.body)


def tried(admin: Client) -> dict[str, tuple[str, int | None]]:
    answer = admin.ask("POST", "/v1/webhooks/test")
    assert answer.status == 200, answer.body
    return {each["id"]: (each["result"], each["status"]) for each in json.loads(answer.body)["data"]}


def configure(admin: Client, config: dict[str, Any]) -> None:
    assert admin.ask("PUT", "/v1/config", config, if_match="*").status == 200


# What there is --------------------------------------------------------------------------------------------


def test_receivers_are_listed_by_host_and_last_characters(admin: Client) -> None:
    unsigned = {"signing": None, "state": "active", "fault": None}

    assert admin.read("/v1/webhooks")["data"] == [
        {"id": "slack", "url_host": "hooks.slack.com", "url_last_four": "abcd", **unsigned},
        {"id": "webhook", "url_host": "alerts.example.com", "url_last_four": "wxyz", **unsigned},
    ]


def test_who_names_nobody_has_none_and_tries_none(admin: Client) -> None:
    configure(admin, {})

    assert admin.read("/v1/webhooks") == {"data": []} and tried(admin) == {}


def test_a_receiver_that_must_not_be_used_says_why(world: Deployment, isolate: Isolate) -> None:
    world.kv["t:other:config"] = '{"webhook_url":"http://10.0.0.1/"}'
    other = Client(world, isolate, "aw_live_" + "ef" * 24)

    (shown,) = other.read("/v1/webhooks")["data"]

    assert (shown["state"], shown["url_host"]) == ("unusable", None) and "its address must" in shown["fault"]


def test_a_secret_is_shown_once_and_its_last_characters_later(admin: Client) -> None:
    made = make_secret(admin)

    assert made["secret"].startswith("whsec_") and made["rotated_until"] is None
    signing = admin.read("/v1/webhooks")["data"][1]["signing"]
    assert signing == {"last_four": made["secret"][-4:], "rotated_until": None, "sealed_with": "k1"}


@pytest.mark.parametrize(("overlap", "ms"), [({}, 86_400_000), ({"overlap_s": 60}, 60_000), ({"overlap_s": 0}, None)])
def test_a_rotation_says_until_when_the_secret_before_signs(admin: Client, overlap: Any, ms: int | None) -> None:
    before = make_secret(admin)

    made = make_secret(admin, **overlap)

    assert made["secret"] != before["secret"]
    assert made["rotated_until"] == (None if ms is None else START_MS + ms)
    assert admin.read("/v1/webhooks")["data"][1]["signing"]["rotated_until"] == made["rotated_until"]


@pytest.mark.parametrize("overlap_s", [-1, 2_592_001, "1", 1.5, None])
def test_an_overlap_out_of_bounds_is_refused_naming_it(admin: Client, overlap_s: Any) -> None:
    answer = admin.ask("POST", "/v1/webhooks/secret", {"overlap_s": overlap_s})

    assert (answer.status, json.loads(answer.body)["error"]["param"]) == (400, "overlap_s")


# The trial ------------------------------------------------------------------------------------------------


def test_a_trial_goes_the_way_of_every_alert_and_says_what_each_answered(world: Deployment, admin: Client) -> None:
    world.services.webhook_answers = [Answer(200, "a secret of the receiver's"), Answer(410, "another one")]

    answer = admin.ask("POST", "/v1/webhooks/test")

    assert json.loads(answer.body)["data"] == [
        {"id": "slack", "result": "sent", "status": 200, "milliseconds": 7},
        {
            "id": "webhook",
            "result": "unusable receiver: it answers with status 410",
            "status": 410,
            "milliseconds": 7,
        },
    ]
    assert sorted(kind for _, kind, _ in world.services.dispatches) == ["alert", "alert_webhook"]
    event = json.loads(dict(world.services.told)[HOOK])
    assert (event["type"], event["data"]["severity"]) == ("alert.test", "info")


def test_a_trial_is_signed_with_the_secret_of_the_moment(world: Deployment, admin: Client) -> None:
    secret = make_secret(admin)["secret"]

    tried(admin)

    ((_, headers),) = [each for each in world.services.headers if each[0] == HOOK]
    webhook, body = Webhook(secret), dict(world.services.told)[HOOK]
    id, at = headers["webhook-id"], headers["webhook-timestamp"]
    assert webhook.sign(id, datetime.fromtimestamp(int(at), UTC), body) == headers["webhook-signature"]


@pytest.mark.parametrize(
    ("away", "words"),
    [
        ("database", "the database did not answer"),
        ("receiver", "the webhook did not answer"),
        ("secret", "cannot be opened"),
    ],
)
def test_a_trial_says_what_an_alert_would_wait_for(world: Deployment, admin: Client, away: str, words: str) -> None:
    make_secret(admin)
    world.services.is_database_away = away == "database"
    world.services.webhook_answers = [Answer(0 if away == "receiver" else 200, "")] * 2
    if away == "secret":
        world.services.sealing = AesSealing()
        world.services.sealing.keys = ()

    assert words in tried(admin)["webhook"][0]
    assert [type(each).__name__ for each in world.verdicts][-1] == "Told"


def test_a_trial_that_nobody_hears_of_says_so(world: Deployment, admin: Client) -> None:
    world.has_telemetry_worker = False

    assert {words for words, _ in tried(admin).values()} == {
        "not heard of within 30 s: is the telemetry Worker deployed, and does it reach its database?"
    }


def test_a_trial_without_a_queue_is_refused(world: Deployment, admin: Client) -> None:
    world.is_queue_away = True

    assert admin.ask("POST", "/v1/webhooks/test").status == 503


def test_a_trial_that_is_delivered_twice_keeps_its_first_outcome(world: Deployment, admin: Client) -> None:
    take_once = world.sleep_ms

    async def twice(duration_ms: int) -> None:
        world.records *= 2
        await take_once(duration_ms)

    world.sleep_ms = twice  # type: ignore[method-assign]

    assert tried(admin)["slack"][0] in ("sent", "being told by another delivery")
    assert len([url for url, _ in world.services.told if url == SLACK]) == 1


def test_every_trial_is_one_of_its_own(world: Deployment, admin: Client) -> None:
    for _ in range(2):
        assert tried(admin)["webhook"] == ("sent", 200)

    assert len({headers["webhook-id"] for url, headers in world.services.headers if url == HOOK}) == 2


# Nothing leaks --------------------------------------------------------------------------------------------

CANARY = "sk-proj-C4naryC4naryC4naryC4nary00"


def forms(text: str) -> list[bytes]:
    """A text, and what base64 makes of it at each of its three offsets."""
    encoded = []
    for offset in range(3):
        coded = base64.b64encode(b"x" * offset + text.encode())
        encoded.append(coded[4:-4])
    return [text.encode(), *encoded, *(each.replace(b"+", b"-").replace(b"/", b"_") for each in encoded)]


def sinks(world: Deployment, answers: list[Any]) -> dict[str, bytes]:
    """Wherever something of a tenant's may come to rest or go out, but for its provider and its receiver."""
    ledger = world.ledger_of("acme")
    return {
        "kv": json.dumps(world.kv).encode(),
        "copy": ledger.service.documents.present().text.encode(),
        "rows of the ledger": "\n".join(ledger.rows.connection.iterdump()).encode(),
        "queue": json.dumps(world.records).encode(),
        "rows": repr(world.services.tables).encode() + repr(world.services.dispatches).encode(),
        "letters": json.dumps(world.services.buried).encode(),
        "bodies of webhooks": repr(world.services.told).encode() + repr(world.services.headers).encode(),
        "answers": b"\n".join(each.body + repr(each.headers).encode() for each in answers),
    }


def test_neither_a_provider_key_nor_a_secret_is_anywhere_but_where_it_belongs(
    world: Deployment, isolate: Isolate, admin: Client
) -> None:
    world.answer = ScriptedAnswer(chunks=(json.dumps(ANSWER).encode(),))
    member = Client(world, isolate, TOKEN)
    secret = make_secret(admin)["secret"]
    after: list[Callable[[], Any]] = [
        lambda: admin.ask("PUT", "/v1/provider-keys/openai", {"key": CANARY}),
        lambda: admin.ask("PUT", "/v1/provider-keys/anthropic", {"key": CANARY}),
        lambda: admin.ask("PUT", "/v1/provider-keys/openai", {"key": CANARY + " "}),
        lambda: admin.ask("PUT", "/v1/provider-keys/groq", {"key": CANARY}),
        lambda: admin.ask("GET", "/v1/provider-keys"),
        lambda: admin.ask("GET", "/v1/webhooks"),
        lambda: admin.ask("POST", "/v1/webhooks/test"),
        lambda: admin.ask("POST", "/v1/reseal"),
        lambda: member.call(path=CHAT),
        lambda: member.ask("GET", "/v1/proxy/openai/v1/files"),
        lambda: admin.ask("GET", "/v1/config/history"),
    ]
    answers = [ask() for ask in after]
    assert [each.headers["authorization"] for each in world.sent[:1]] == [f"Bearer {CANARY}"]

    found = sinks(world, answers)

    leaks = [
        (place, form)
        for place, text in found.items()
        for each in (CANARY, secret.removeprefix("whsec_"))
        for form in forms(each)
        if form in text
    ]
    assert leaks == []
    assert CANARY not in repr(isolate) and secret not in repr(isolate)
