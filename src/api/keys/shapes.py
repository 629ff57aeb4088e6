"""What is said of keys over HTTP: dollars as decimal strings, moments in UTC milliseconds.

A key is written as a whole. What is absent takes its default, null is none, and "0" dollars let nothing be spent.
"""

from typing import Annotated

import msgspec

from core.bounds import (
    ORIGIN_CHARACTERS_MAX,
    ORIGINS_PER_KEY_MAX,
    REQUESTS_PER_MINUTE_MAX,
    TOKENS_PER_MINUTE_MAX,
)
from core.ledger.keys.key import OVERLAP_S_MAX, KeyState, KeyTerms, Moment
from core.ledger.keys.messages import KeyView
from core.money.amount import InvalidAmount, UsdOrNothing, format_usd, parse_usd_or_nothing
from core.refusals import InvalidRequest
from core.roles import Role
from core.tenant.cors import ORIGIN_PATTERN, is_origin

PageOrigin = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=ORIGIN_CHARACTERS_MAX,
        extra_json_schema={"pattern": ORIGIN_PATTERN, "examples": ["https://app.example.com"]},
    ),
]
"""As a type shows it; what is wrong with one `terms_of` says in words."""

Label = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class NewKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The terms of a key that is to be made."""

    name: Label
    team: Label | None = None
    role: Role = "developer"
    expires_at: Moment | None = None
    requests_per_minute: Annotated[int, msgspec.Meta(ge=1, le=REQUESTS_PER_MINUTE_MAX)] | None = None
    tokens_per_minute: Annotated[int, msgspec.Meta(ge=1, le=TOKENS_PER_MINUTE_MAX)] | None = None
    budget_usd: UsdOrNothing | None = None
    """Of each calendar month (UTC)."""
    calls: bool | None = None
    """May it call providers? Every key may unless said, but for those that administer."""
    origins: Annotated[list[PageOrigin], msgspec.Meta(min_length=1, max_length=ORIGINS_PER_KEY_MAX)] | None = None
    """The web pages that it is for, as browsers name them: requests from elsewhere are refused, and these pages may
    read the answers. Not of a key that administers. Null for a key that may be used from anywhere."""


class KeyChange(NewKey, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of a key's terms, in place of those that it has."""

    disabled: bool = False


class Rotation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    overlap_s: Annotated[int, msgspec.Meta(ge=0, le=OVERLAP_S_MAX)] = 0
    """How many seconds the token before goes on. Tokens older than that end at once."""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key, without anything that opens it."""

    key_id: str
    name: str
    prefix: str
    """How its token begins."""
    last_four: str
    """How its token ends."""
    team: str | None
    role: Role
    calls: bool
    origins: list[str] | None
    state: KeyState
    disabled: bool
    """By an administrator, whatever else its state comes from."""
    created_at: int
    created_by: str | None
    expires_at: int | None
    last_used_at: int | None
    """To the hour."""
    requests_per_minute: int | None
    tokens_per_minute: int | None
    budget_usd: str | None
    spent_usd: str
    """In the present month."""
    held_usd: str
    resets_at: int | None
    rotated_until: int | None
    """How long the token before the present one goes on; null where it has ended."""
    version: int


class MadeKey(Key, frozen=True, kw_only=True):
    """A key with its token, which nobody is shown again."""

    token: str | None
    code: str | None = None
    """`token_already_shown` where this request has made the key before: rotate the key for another token."""


class KeyPage(msgspec.Struct, frozen=True):
    data: list[Key]
    next: str | None
    """The cursor of the next page; null where this is the last one."""


class KeysQuery(msgspec.Struct, frozen=True):
    after: Annotated[str, msgspec.Meta(max_length=400)] = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 100


def terms_of(asked: NewKey) -> KeyTerms:
    """The terms that are asked for. Raises `InvalidRequest`."""
    for place, origin in enumerate(asked.origins or ()):
        if not is_origin(origin):
            param = f"origins[{place}]"
            words = "must be an origin as browsers send it, such as https://app.example.com"
            raise InvalidRequest(f"{param} {words}", param=param)
    if asked.origins is not None and asked.role == "admin":
        raise InvalidRequest("a key with origins is for web pages, and none of them administers", param="origins")
    return KeyTerms(
        name=asked.name,
        team=asked.team,
        role=asked.role,
        expires_at_ms=asked.expires_at,
        requests_per_minute=asked.requests_per_minute,
        tokens_per_minute=asked.tokens_per_minute,
        calls=asked.role != "admin" if asked.calls is None else asked.calls,
        origins=None if asked.origins is None else tuple(asked.origins),
        is_disabled=isinstance(asked, KeyChange) and asked.disabled,
    )


def budget_of(asked: NewKey) -> int | None:
    """The budget that is asked for, in nano-dollars. Raises `InvalidRequest`."""
    if asked.budget_usd is None:
        return None
    try:
        return parse_usd_or_nothing(asked.budget_usd)
    except InvalidAmount as error:
        raise InvalidRequest(f"budget_usd {error}", param="budget_usd") from None


def key_of(view: KeyView) -> Key:
    terms, account = view.terms, view.account
    limit = account.limit_nanousd
    return Key(
        key_id=view.key_id,
        name=terms.name,
        prefix=view.start,
        last_four=view.last_four,
        team=terms.team,
        role=terms.role,
        calls=terms.calls,
        origins=None if terms.origins is None else list(terms.origins),
        state=view.state,
        disabled=terms.is_disabled,
        created_at=view.created_at_ms,
        created_by=view.created_by,
        expires_at=terms.expires_at_ms,
        last_used_at=view.last_used_at_ms,
        requests_per_minute=terms.requests_per_minute,
        tokens_per_minute=terms.tokens_per_minute,
        budget_usd=None if limit is None else format_usd(limit),
        spent_usd=format_usd(account.spent_nanousd),
        held_usd=format_usd(account.held_nanousd),
        resets_at=account.resets_at_ms,
        rotated_until=view.rotated_until_ms,
        version=view.version,
    )


def made_key(view: KeyView, token: str | None) -> MadeKey:
    code = None if token is not None else "token_already_shown"
    return MadeKey(**msgspec.structs.asdict(key_of(view)), token=token, code=code)
