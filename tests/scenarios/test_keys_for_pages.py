"""Keys for web pages: good for the pages that they were made for, and for no request from elsewhere."""

import json
from typing import Any

import pytest

from exchange import Answer
from tests.support.api_client import CALL, CHAT, Client, an_isolate
from tests.support.memory_ports import World

PAGE, OTHER_PAGE = "https://app.example.com", "https://evil.example"
MODELS = "/v1/proxy/openai/v1/models"
REPORT = {"model": "gpt-4o-mini", "prompt_tokens": 100, "completion_tokens": 10, "latency_ms": 5}
HOLD = {"hold_id": "evt_1", "model": "gpt-4o-mini", "dialect": "openai_chat", "input_bytes": 100}
ROUTES: list[tuple[str, str, Any]] = [
    ("POST", CHAT, CALL),
    ("GET", MODELS, None),
    ("POST", "/v1/holds", HOLD),
    ("POST", "/v1/ingest", REPORT),
    ("GET", "/v1/budget-check?session_id=run-42", None),
    ("GET", "/v1/whoami", None),
]


def write(admin: Client, status: int = 201, key_id: str | None = None, **terms: Any) -> Any:
    """Make a key, or change it."""
    method, path = ("POST", "/v1/keys") if key_id is None else ("PUT", f"/v1/keys/{key_id}")
    answer = admin.ask(method, path, {"name": "page", **terms})
    assert answer.status == status, answer.body
    return json.loads(answer.body)


def error_of(answer: Answer) -> Any:
    assert isinstance(answer.body, bytes)
    return json.loads(answer.body)["error"]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_a_key_for_a_page_is_good_on_it_and_nowhere_else(
    admin: Client, world: World, isolates: Any, method: str, path: str, body: Any
) -> None:
    page = Client(world, isolates[1], write(admin, origins=[PAGE, "http://localhost:3000"])["token"])
    told = len(world.sent)

    refused = [page.ask(method, path, body, origin=origin) for origin in (OTHER_PAGE, "null", f"{PAGE}.evil.example")]
    refused.append(page.ask(method, path, body))

    assert [answer.status for answer in refused] == [403] * 4
    assert [error_of(answer)["code"] for answer in refused] == ["not_permitted"] * 4
    assert [error_of(answer)["fault"] for answer in refused] == [*["other_origin"] * 3, "no_origin"]
    assert len(world.sent) == told
    assert page.ask(method, path, body, origin=PAGE).status == 200
    assert page.ask(method, path, body, origin="http://localhost:3000").status in (200, 400)  # the hold's id is taken


def test_its_page_reads_answers_though_the_configuration_names_none(admin: Client, world: World, isolates: Any) -> None:
    page = Client(world, isolates[0], write(admin, origins=[PAGE])["token"])

    answers = [page.call(origin=PAGE), page.call({"model": 5}, origin=PAGE), page.ask("GET", MODELS, origin=PAGE)]

    assert [answer.status for answer in answers] == [200, 400, 200]
    assert {answer.headers["access-control-allow-origin"] for answer in answers} == {PAGE}


def test_a_page_that_it_is_not_for_can_read_that_and_not_for_which_it_is(
    admin: Client, world: World, isolates: Any
) -> None:
    page = Client(world, isolates[0], write(admin, origins=[PAGE])["token"])

    answer = page.call(origin=OTHER_PAGE)

    assert answer.headers["access-control-allow-origin"] == "*"
    assert OTHER_PAGE in error_of(answer)["message"]
    assert PAGE.encode() not in answer.body  # type: ignore[operator]


def test_whoever_administers_finds_the_page_s_mistake_in_the_events(admin: Client, world: World, isolates: Any) -> None:
    key = write(admin, origins=[PAGE])

    Client(world, isolates[0], key["token"]).call(origin=OTHER_PAGE)

    events = [each for each in world.records if each["type"] == "auth" and each["outcome"] == "not_permitted"]
    assert [(each["tenant"], each["key_id"]) for each in events] == [("acme", key["key_id"])]


def test_a_page_that_is_taken_away_is_refused_from_the_next_call_on_in_every_isolate(
    admin: Client, world: World, isolates: Any
) -> None:
    key = write(admin, origins=[PAGE])
    pages = [Client(world, isolate, key["token"]) for isolate in isolates]
    assert [page.call(origin=PAGE).status for page in pages] == [200, 200]

    write(admin, 200, key["key_id"], origins=["https://new.example"])

    assert [page.call(origin=PAGE).status for page in pages] == [403, 403]
    assert [page.call(origin="https://new.example").status for page in pages] == [200, 200]


@pytest.mark.parametrize("path", [MODELS, "/v1/whoami"])
def test_a_page_that_is_taken_away_is_refused_where_nothing_is_bought(
    admin: Client, world: World, isolates: Any, path: str
) -> None:
    """In each isolate by the first question after the change: the one before would have taught it."""
    key = write(admin, origins=[PAGE])
    pages = [Client(world, isolate, key["token"]) for isolate in isolates]
    assert [page.ask("GET", path, origin=PAGE).status for page in pages] == [200] * 2

    write(admin, 200, key["key_id"], origins=["https://new.example"])

    assert [page.ask("GET", path, origin=PAGE).status for page in reversed(pages)] == [403] * 2


def test_a_key_is_shown_with_its_pages_and_keeps_them_when_it_is_rotated(admin: Client) -> None:
    key = write(admin, origins=[PAGE])
    rotated = json.loads(admin.ask("POST", f"/v1/keys/{key['key_id']}/rotate", {"overlap_s": 0}).body)
    anywhere = write(admin)

    shown = [each["origins"] for each in (key, rotated, admin.read(f"/v1/keys/{key['key_id']}"), anywhere)]

    assert shown == [[PAGE], [PAGE], [PAGE], None]
    assert {tuple(each["origins"] or ()) for each in admin.read("/v1/keys")["data"]} == {(PAGE,), ()}
    assert write(admin, 200, key["key_id"])["origins"] is None


def test_a_key_tells_its_page_who_it_is(admin: Client, world: World, isolates: Any) -> None:
    page = Client(world, isolates[0], write(admin, origins=[PAGE])["token"])

    answer = page.ask("GET", "/v1/whoami", origin=PAGE)

    assert json.loads(answer.body)["origins"] == [PAGE]  # type: ignore[arg-type]


def test_a_record_that_was_written_by_hand_may_be_for_a_page(world: World) -> None:
    token = "aw_live_" + "77" * 24
    world.knows(token, tenant="acme", key_id="key_hand", origins=[PAGE])
    client = Client(world, an_isolate(), token)

    assert [client.call(origin=origin).status for origin in (PAGE, OTHER_PAGE)] == [200, 403]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"origins": ["*"]}, "origins[0]"),
    ({"origins": [PAGE, "https://app.example.com/"]}, "origins[1]"),
    ({"origins": ["null"]}, "origins[0]"),
    ({"origins": []}, "origins"),
    ({"origins": PAGE}, "origins"),
    ({"origins": [f"https://{number}.example" for number in range(21)]}, "origins"),
    ({"origins": [f"https://{'a' * 300}.example"]}, "origins[0]"),
    ({"origins": [PAGE], "role": "admin"}, "origins"),
]


@pytest.mark.parametrize(("terms", "param"), BAD)
def test_what_no_page_s_key_can_be_is_refused_by_its_place(admin: Client, terms: dict[str, Any], param: str) -> None:
    answer = admin.ask("POST", "/v1/keys", {"name": "page", **terms})

    assert (answer.status, error_of(answer)["param"]) == (400, param)
