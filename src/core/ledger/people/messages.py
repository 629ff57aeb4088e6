"""What is said between the Workers and a tenant's Ledger about people who sign on: that one did, who there is, and that
an address may be somebody else's from now on. The addresses are those by which people are compared.
"""

from typing import Annotated

import msgspec

from core.ledger.messages import Count, KeyDisabled, Message, Name, Question

PEOPLE_PER_PAGE_MAX = 200


class KnownPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Whom an address stands for."""

    email: str
    sub: str
    first_seen_at_ms: int
    last_seen_at_ms: int
    """To the hour."""


class PersonKnown(Message, frozen=True, tag="person_known"):
    """The address is this person's."""


class OtherPerson(Message, frozen=True, tag="other_person"):
    """The address is that of somebody who signed on with it before."""


class TooManyPeople(Message, frozen=True, tag="too_many_people"):
    most: int


class SignOnRequest(Question[PersonKnown | OtherPerson | TooManyPeople], frozen=True, tag="sign_on"):
    """Is the address this person's? Whoever comes with it first keeps it."""

    email: Name
    sub: Name


class PeoplePage(Message, frozen=True, tag="people"):
    people: list[KnownPerson]
    has_more: bool = False


class ListPeopleRequest(Question[PeoplePage], frozen=True, tag="list_people"):
    """A page of those who have signed on, in the order of their addresses, after the address given."""

    after_email: Annotated[str, msgspec.Meta(max_length=256)] = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=PEOPLE_PER_PAGE_MAX)] = 100


class PersonForgotten(Message, frozen=True, tag="person_forgotten"):
    person: KnownPerson


class NobodyKnown(Message, frozen=True, tag="nobody_known"):
    """Nobody has signed on with this address."""


class ForgetPersonRequest(Question[PersonForgotten | NobodyKnown | KeyDisabled], frozen=True, tag="forget_person"):
    """The address is whoever's that signs on with it next."""

    email: Name
    key_id: Name | None = None
    """Refused where that key is."""
    token_number: Count | None = None


PeopleQuestion = SignOnRequest | ListPeopleRequest | ForgetPersonRequest
