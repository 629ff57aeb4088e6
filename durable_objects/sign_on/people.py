"""Which person an address stands for: whoever signs on with it first, until an administrator forgets that.

Addresses are given to new people when old ones leave, and what was granted to an address was granted to whoever had it
then. Everything is read from its rows as somebody asks: people sign on a few times a day.
"""

from core.ledger.messages import KeyDisabled, Message
from core.ledger.people.messages import (
    ForgetPersonRequest,
    KnownPerson,
    ListPeopleRequest,
    NobodyKnown,
    OtherPerson,
    PeoplePage,
    PeopleQuestion,
    PersonForgotten,
    PersonKnown,
    SignOnRequest,
    TooManyPeople,
)
from durable_objects.state import LedgerState

PEOPLE_MAX = 10_000
"""Of one tenant, at some 200 bytes each."""

HOUR_MS = 3_600_000


class People:
    """Those of one tenant."""

    def __init__(self, state: LedgerState) -> None:
        self._state = state
        self._rows = state.store.people

    def answer(self, question: PeopleQuestion, now_ms: int) -> Message:
        match question:
            case SignOnRequest():
                return self._sign_on(question, now_ms)
            case ListPeopleRequest(after_email=after, limit=limit):
                found = self._rows.page(after, limit + 1)
                return PeoplePage(people=found[:limit], has_more=len(found) > limit)
            case ForgetPersonRequest():
                return self._forget(question, now_ms)

    def _sign_on(self, request: SignOnRequest, now_ms: int) -> PersonKnown | OtherPerson | TooManyPeople:
        known = self._rows.find(request.email)
        if known is not None and known.sub != request.sub:
            return OtherPerson()
        if known is None and self._rows.count() >= PEOPLE_MAX:
            return TooManyPeople(most=PEOPLE_MAX)
        hour_ms = now_ms - now_ms % HOUR_MS
        if known is None:
            self._rows.add(
                KnownPerson(email=request.email, sub=request.sub, first_seen_at_ms=now_ms, last_seen_at_ms=hour_ms)
            )
        elif known.last_seen_at_ms < hour_ms:
            self._rows.put_seen(request.email, hour_ms)
        return PersonKnown()

    def _forget(self, request: ForgetPersonRequest, now_ms: int) -> PersonForgotten | NobodyKnown | KeyDisabled:
        if self._state.refuses_key(request.key_id, request.token_number, now_ms):
            return KeyDisabled()
        known = self._rows.find(request.email)
        if known is None:
            return NobodyKnown()
        self._rows.remove(request.email)
        return PersonForgotten(person=known)
