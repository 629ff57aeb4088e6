"""People who have signed on to a tenant: which person an address stands for, and that it may be another's from now on.

What they may do is written in the configuration (`sign_on`), and is shown beside them as it is just now.
"""

from typing import Annotated

import msgspec

from access.permits import key_refusal
from api.endpoint import AnyEndpoint, ApiRequest, Endpoint, Nothing
from core.cursors import CURSOR_CHARACTERS_MAX, cursor_of, read_cursor
from core.ledger.messages import KeyDisabled
from core.ledger.people.messages import (
    PEOPLE_PER_PAGE_MAX,
    ForgetPersonRequest,
    KnownPerson,
    ListPeopleRequest,
    NobodyKnown,
)
from core.refusals import InvalidRequest, NotFound
from core.tenant.sign_on.claims import EMAIL_CHARACTERS_MAX, Person, comparable_email
from core.tenant.sign_on.mapping import SignOnMap, SignOnRole
from exchange import Answer, json_answer

CURSORS = "people"


class PersonView(msgspec.Struct, frozen=True):
    """Somebody who has signed on. `role` and `team` are what the configuration grants them now; without a role they
    are let in no more. `last_seen_at` is to the hour."""

    email: str
    sub: str
    role: SignOnRole | None
    team: str | None
    first_seen_at: int
    last_seen_at: int


class People(msgspec.Struct, frozen=True):
    data: list[PersonView]
    next: str | None


class PeopleQuery(msgspec.Struct, frozen=True):
    limit: Annotated[int, msgspec.Meta(ge=1, le=PEOPLE_PER_PAGE_MAX)] = 100
    after: Annotated[str, msgspec.Meta(max_length=CURSOR_CHARACTERS_MAX)] = ""


async def list_people(request: ApiRequest[PeopleQuery, Nothing]) -> Answer:
    """In the order of their addresses."""
    question = ListPeopleRequest(after_email=_address_in(request.query.after), limit=request.query.limit)
    page = await request.ledger.tell(question)
    granted = request.caller.policy.sign_on
    last = page.people[-1] if page.has_more else None
    following = None if last is None else cursor_of(CURSORS, last.email)
    return json_answer(People([_view(each, granted) for each in page.people], following))


async def forget_person(request: ApiRequest[Nothing, Nothing]) -> Answer:
    """The address is whoever's that signs on with it next. The answer is whose it was."""
    caller, email = request.caller, comparable_email(request.path["email"])
    nobody = NotFound("nobody has signed on with this address", param="email")
    if not 0 < len(email) <= EMAIL_CHARACTERS_MAX:
        raise nobody
    question = ForgetPersonRequest(email=email, key_id=caller.key_id, token_number=caller.token_number)
    forgotten = await request.ledger.tell(question)
    if isinstance(forgotten, KeyDisabled):
        raise key_refusal()
    if isinstance(forgotten, NobodyKnown):
        raise nobody
    return json_answer(_view(forgotten.person, caller.policy.sign_on))


def _view(person: KnownPerson, granted: SignOnMap) -> PersonView:
    grant = granted.grant_of(Person(person.sub, person.email))
    return PersonView(
        email=person.email,
        sub=person.sub,
        role=None if grant is None else grant.role,
        team=None if grant is None else grant.team,
        first_seen_at=person.first_seen_at_ms,
        last_seen_at=person.last_seen_at_ms,
    )


def _address_in(cursor: str) -> str:
    """Behind which address a page begins. Raises `InvalidRequest`."""
    place = next(iter(read_cursor(cursor, CURSORS)), "")
    if not isinstance(place, str) or len(place) > EMAIL_CHARACTERS_MAX:
        raise InvalidRequest("after must be the `next` of the page before", param="after")
    return place


ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        "GET", "/v1/people", list_people, "Who has signed on, by address", People,
        audience="admin", query=PeopleQuery, is_administration=True,
    ),
    Endpoint(
        "DELETE", "/v1/people/{email}", forget_person, "Let an address be another person's", PersonView,
        audience="admin", is_administration=True, refuses=(NotFound,),
    ),
)  # fmt: skip
