"""Pages of tenants, of teams, and of one owner's sessions."""

import pytest

from core.ledger.lists.accounts import ListSessionsRequest, ListTeamsRequest
from core.ledger.lists.tenants import (
    ListTenantsRequest,
    NoTenant,
    RegisteredTenant,
    RegisterTenantRequest,
    TenantRequest,
)
from core.roles import PLATFORM
from durable_objects.lists.accounts import LOOKED_AT_MAX
from tests.support.ledger_requests import DAY_MS, NOW_MS, a_record, an_admission, of_team
from tests.support.sqlite_ledger import SqliteDatabase, a_service


@pytest.fixture
def platform():
    return a_service(SqliteDatabase(), PLATFORM)


def tenants(ledger, **asked):
    page = ledger.answer(ListTenantsRequest(**asked), NOW_MS)
    return [each.tenant for each in page.tenants], page.next_after_tenant


def teams(ledger, now_ms=NOW_MS, **asked):
    page = ledger.answer(ListTeamsRequest(**asked), now_ms)
    return [each.id for each in page.accounts], page.next_after_team


def sessions_of(ledger, owner, **asked):
    page = ledger.list_sessions(ListSessionsRequest(owner=owner, **asked), NOW_MS)
    return [each.id for each in page.accounts], page.next_after_session_id


# Tenants --------------------------------------------------------------------------------------------------


def test_a_tenant_is_registered_once_and_keeps_its_first_moment(platform):
    first = platform.answer(RegisterTenantRequest(tenant="acme"), NOW_MS)
    second = platform.answer(RegisterTenantRequest(tenant="acme"), NOW_MS + DAY_MS)

    assert (first.is_new, second.is_new) == (True, False)
    assert second.created_at_ms == NOW_MS
    assert platform.answer(TenantRequest(tenant="acme"), NOW_MS) == RegisteredTenant(
        tenant="acme", created_at_ms=NOW_MS
    )
    assert platform.answer(TenantRequest(tenant="other"), NOW_MS) == NoTenant()


def test_tenants_are_listed_page_by_page_though_some_come_in_between(platform):
    for name in ("b", "d", "f", "h"):
        platform.answer(RegisterTenantRequest(tenant=name), NOW_MS)

    first, after = tenants(platform, limit=2)
    for name in ("a", "e"):
        platform.answer(RegisterTenantRequest(tenant=name), NOW_MS)
    second, after = tenants(platform, limit=2, after_tenant=after)
    third, end = tenants(platform, limit=2, after_tenant=after)

    assert (first, second, third, end) == (["b", "d"], ["e", "f"], ["h"], None)
    assert tenants(platform, limit=6)[1] is None


def test_a_tenant_s_own_ledger_keeps_no_list(ledger, database):
    with pytest.raises(AssertionError):
        ledger.answer(RegisterTenantRequest(tenant="acme"), NOW_MS)

    assert not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'tenants'")


# Teams ----------------------------------------------------------------------------------------------------


def test_teams_are_those_that_have_called_and_those_that_have_a_budget(ledger, database):
    ledger.record(a_record(5, "evt_1", team="blue"), NOW_MS)
    ledger.configure(of_team(limit_nanousd=100), NOW_MS)
    ledger.admit(an_admission(team="amber"), NOW_MS)

    assert teams(ledger) == teams(a_service(database)) == (["amber", "blue", "search"], None)
    assert teams(ledger, limit=2) == (["amber", "blue"], "blue")
    assert teams(ledger, limit=2, after_team="blue") == (["search"], None)
    assert teams(ledger, limit=3)[1] is None


def test_a_team_s_numbers_are_those_of_the_present_month(ledger):
    ledger.record(a_record(5, team="search"), NOW_MS)
    ledger.configure(of_team(limit_nanousd=100), NOW_MS)

    page = ledger.answer(ListTeamsRequest(), NOW_MS + 40 * DAY_MS).accounts

    assert [(each.limit_nanousd, each.spent_nanousd) for each in page] == [(100, 0)]


def test_one_team_alone_is_asked_by_its_name(ledger):
    ledger.record(a_record(5, "evt_1", team="blue"), NOW_MS)

    assert teams(ledger, team="blue") == (["blue"], None)
    assert teams(ledger, team="blu") == ([], None)


# Sessions of one owner ------------------------------------------------------------------------------------


def test_an_owner_s_sessions_are_found_among_many_by_going_on(ledger, database):
    for number in range(LOOKED_AT_MAX + 50):
        owner = "team:blue" if number % 200 == 0 else "team:search"
        ledger.record(a_record(1, f"evt_{number}", session_id=f"s{number:05}", caller=owner), NOW_MS)

    found, after = sessions_of(ledger, "team:blue")
    rest, end = sessions_of(a_service(database), "team:blue", after_session_id=after)

    assert found == ["s00000", "s00200", "s00400"]
    assert (rest, end) == ([], None)
    assert sessions_of(ledger, "team:blue", limit=1) == (["s00000"], "s00000")
    assert sessions_of(ledger, "team:nobody")[0] == []


def test_a_session_that_nobody_has_used_is_no_owner_s(ledger):
    ledger.record(a_record(1, session_id="s"), NOW_MS)

    assert sessions_of(ledger, "team:blue") == ([], None)
    assert sessions_of(ledger, None) == (["s"], None)
