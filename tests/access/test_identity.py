"""How long a token's record and a tenant's policy are believed, and who waits when they are read again."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from access.identity import (
    CARRIED_ON_MS,
    DOCUMENTS_CHARACTERS_MAX,
    ENTRIES_MAX,
    FRESH_MS,
    RENEWED_AFTER_MS,
    Caller,
    IdentityCache,
    Known,
    Stranger,
    identify,
)
from core.refusals import TenantsUnavailable
from core.tenant.credentials import digest
from core.tenant.documents import TenantDocuments, copy_text
from settings import parse_settings
from tests.support.memory_ports import TOKEN, World


class Counting(World):
    """A world that counts the reads of KV which a request waits for, and those behind it."""

    def __init__(self, **settings):
        super().__init__({})
        self.settings = parse_settings(settings)
        self.cache = IdentityCache()
        self.reads = 0

    def _kv(self, key):
        self.reads += 1
        return super()._kv(key)

    def ask(self, token=TOKEN):
        """Whoever identifies, how often KV was read first, and how often in all."""
        before = self.reads
        seen = []

        async def asked():
            caller = await self.identify(token)
            seen.append(self.reads - before)
            return caller

        caller = self.run(asked())
        return caller, seen[0], self.reads - before

    async def identify(self, token=TOKEN):
        headers = {"authorization": f"Bearer {token}"}
        return await identify(headers, "", ports=self.ports(), settings=self.settings, cache=self.cache)

    def set_record(self, **changes):
        (key,) = (key for key in self.kv if key.startswith("key:"))
        self.kv[key] = json.dumps({**json.loads(self.kv[key]), **changes})


@pytest.fixture
def world():
    return Counting()


def test_a_known_token_costs_no_look_at_kv(world):
    world.ask()

    assert world.ask()[1:] == (0, 0)


def test_a_token_in_use_is_read_again_behind_the_answer(world):
    world.ask()
    world.pass_time(RENEWED_AFTER_MS)

    assert world.ask()[1:] == (0, 2)


def test_only_one_call_renews(world):
    world.ask()
    world.pass_time(RENEWED_AFTER_MS)
    world.is_kv_away = True
    world.ask()

    assert world.ask()[1:] == (0, 0)


def test_a_token_that_is_never_idle_never_waits_for_kv(world):
    world.ask()

    waits = []
    for _ in range(10):
        world.pass_time(RENEWED_AFTER_MS)
        waits.append(world.ask()[1])

    assert waits == [0] * 10


def test_a_disabled_token_is_let_in_for_no_longer_than_a_record_is_fresh(world):
    world.ask()
    world.set_record(disabled=True)
    world.pass_time(FRESH_MS)

    caller, _, _ = world.ask()

    assert caller == Stranger("disabled", caller.record)


def test_a_token_in_use_is_found_disabled_at_the_call_after_its_renewal(world):
    world.ask()
    world.set_record(disabled=True)
    world.pass_time(RENEWED_AFTER_MS)
    world.ask()

    assert isinstance(world.ask()[0], Stranger)


def test_a_renewal_that_fails_is_nobody_s_error(world):
    world.ask()
    world.pass_time(RENEWED_AFTER_MS)
    world.is_kv_away = True

    assert isinstance(world.ask()[0], Caller)


def test_a_stale_record_carries_on_while_kv_is_away(world):
    world.ask()
    world.pass_time(FRESH_MS)
    world.is_kv_away = True

    assert isinstance(world.ask()[0], Caller)


def test_a_revoked_token_is_let_in_for_forty_seconds_at_most():
    """A promise to administrators (README): changing either number changes it."""
    source = (Path(__file__).parents[2] / "src/bindings/kv.py").read_text()
    kv_cache_s = int(re.search(r"^CACHE_TTL_S = (\d+)$", source, re.MULTILINE)[1])

    assert FRESH_MS + kv_cache_s * 1_000 == 40_000


def test_a_record_is_believed_until_it_is_stale_and_no_longer(world):
    world.ask()
    world.set_record(disabled=True)

    world.pass_time(FRESH_MS - 1)
    assert isinstance(world.ask()[0], Caller)
    world.ask()
    assert isinstance(world.ask()[0], Stranger)


def test_a_renewal_comes_at_half_the_time_a_record_is_fresh(world):
    world.ask()
    world.pass_time(RENEWED_AFTER_MS - 1)
    assert world.ask()[1:] == (0, 0)
    world.pass_time(1)

    assert world.ask()[1:] == (0, 2)
    assert FRESH_MS == 2 * RENEWED_AFTER_MS


def test_while_kv_is_away_a_good_token_carries_on_for_a_stated_time(world):
    world.ask()
    world.is_kv_away = True

    world.pass_time(CARRIED_ON_MS - 1)
    assert isinstance(world.ask()[0], Caller)
    world.pass_time(1)
    with pytest.raises(TenantsUnavailable):
        world.ask()


def test_while_kv_is_away_a_disabled_token_stays_disabled_whatever_the_static_map_says():
    world = Counting(TENANT_TOKEN_MAP=json.dumps({TOKEN: "acme"}))
    world.set_record(disabled=True)
    world.ask()
    world.is_kv_away = True
    world.pass_time(2 * CARRIED_ON_MS)

    assert world.ask()[0].outcome == "disabled"


def test_a_token_that_is_disabled_in_kv_is_not_revived_by_the_static_map():
    world = Counting(TENANT_TOKEN_MAP=json.dumps({TOKEN: "acme"}))
    world.set_record(disabled=True)

    assert world.ask()[0].outcome == "disabled"


def test_a_token_of_the_static_map_whose_record_is_gone_is_known_by_the_map():
    world = Counting(TENANT_TOKEN_MAP=json.dumps({TOKEN: "acme"}))
    world.kv.clear()

    assert world.ask()[0].tenant == "acme"


def overtaken(world, port, meanwhile):
    """Who a newer look-up, an older one and the next one find: the older has read KV by this port before `meanwhile`
    happened, and was slow to say so."""
    slow, read = asyncio.Event(), getattr(world, port)

    async def slow_once(name):
        stored = await read(name)
        if not slow.is_set():
            meanwhile()
            setattr(world, port, read)
            await slow.wait()
        return stored

    setattr(world, port, slow_once)

    async def all_three():
        older = asyncio.ensure_future(world.identify())
        await asyncio.sleep(0)
        newer = await world.identify()
        slow.set()
        return newer, await older, await world.identify()

    return asyncio.run(all_three())


def test_of_two_reads_the_one_that_began_later_is_believed(world):
    found = overtaken(world, "key_record", lambda: world.set_record(disabled=True))

    assert [each.outcome for each in found] == ["disabled"] * 3


def test_of_two_reads_of_a_configuration_the_one_that_began_later_is_believed(world):
    found = overtaken(world, "config", lambda: world.kv.update({"t:acme:config": '{"fail_closed": true}'}))

    assert [each.policy.fails_closed for each in found] == [True] * 3


def test_a_token_deleted_meanwhile_is_not_brought_back_by_an_older_read(world):
    assert overtaken(world, "key_record", world.kv.clear) == (Stranger("unknown"),) * 3


def test_made_up_tokens_push_out_no_real_one(world):
    world.ask()
    for number in range(ENTRIES_MAX + 10):
        world.ask(f"aw_live_{number:048x}")
    world.is_kv_away = True

    assert isinstance(world.ask()[0], Caller)


def test_what_is_remembered_of_made_up_tokens_is_bounded(world):
    for number in range(ENTRIES_MAX + 10):
        world.ask(f"aw_live_{number:048x}")

    assert len(world.cache.strangers) == ENTRIES_MAX == 2_000
    assert world.ask(f"aw_live_{0:048x}")[1] == 1
    assert world.ask(f"aw_live_{ENTRIES_MAX:048x}")[1] == 0


def test_what_is_remembered_of_documents_is_bounded_by_their_length(world):
    long = TenantDocuments(1, {}, "d", DOCUMENTS_CHARACTERS_MAX // 3)

    for number in range(10):
        world.cache.put_documents(f"t{number}", Known(long, number, 0, 0))

    assert list(world.cache.documents) == ["t7", "t8", "t9"]
    world.cache.put_documents("t9", Known(TenantDocuments(), 11, 0, 0))
    assert world.cache.documents_characters == 2 * long.characters


def test_documents_are_compiled_once_a_version(world):
    world.kv["t:acme:config"] = copy_text(1, {"config": "{}", "rules": '{"rules": []}'})
    first = world.ask()[0]
    world.pass_time(FRESH_MS + 1)
    second = world.ask()[0]
    assert second.documents is first.documents

    world.kv["t:acme:config"] = copy_text(2, {"config": "{}"})
    world.pass_time(FRESH_MS + 1)
    assert world.ask()[0].documents.number == 2


def test_of_too_many_real_tokens_the_one_read_longest_ago_goes_first(world):
    record = world.kv[f"key:{digest(TOKEN).hex()}"]
    for number in range(ENTRIES_MAX + 1):
        token = f"aw_live_{number:048x}"
        world.kv[f"key:{digest(token).hex()}"] = record
        world.ask(token)

    assert len(world.cache.records) == ENTRIES_MAX
    assert world.ask(f"aw_live_{1:048x}")[1] == 0
    assert world.ask(f"aw_live_{0:048x}")[1] == 1


def test_a_token_made_just_now_works_as_soon_as_nobody_believes_the_old_answer(world):
    token = "aw_live_" + "cd" * 24
    world.ask(token)
    world.kv[f"key:{digest(token).hex()}"] = '{"tenant": "acme"}'
    world.pass_time(FRESH_MS)

    assert world.ask(token)[0].tenant == "acme"
    assert world.cache.strangers == {}


def test_a_configuration_that_was_pushed_out_is_not_taken_for_an_empty_one(world):
    world.ask()
    world.cache.documents.clear()
    world.is_kv_away = world.is_ledger_away = True

    with pytest.raises(TenantsUnavailable):
        world.ask()
