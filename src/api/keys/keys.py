"""Keys: made, looked up, changed, rotated, revoked. The tenant's Ledger decides; a token is made here and told once.

A repeat of the request that made a key gets the key, and no token: to keep one for that would be to keep it. The rule
easy to break: whoever is refused learns nothing of other tenants' keys, because an id is looked up in its own Ledger
alone.
"""

import hashlib
import re
from typing import Any, NoReturn

import msgspec

from access.identity import Caller, Operator
from access.permits import key_refusal
from api.endpoint import AnyEndpoint, ApiRequest, Endpoint, Nothing
from api.keys.shapes import (
    Key,
    KeyChange,
    KeyPage,
    KeysQuery,
    MadeKey,
    NewKey,
    Rotation,
    budget_of,
    key_of,
    made_key,
    terms_of,
)
from core.cursors import cursor_of, read_cursor
from core.ledger.document_messages import VersionConflict
from core.ledger.keys.key import KeyToken
from core.ledger.keys.messages import (
    ChangeKeyRequest,
    CreateKeyRequest,
    KeyMadeBefore,
    KeyRequest,
    KeyRevoked,
    KeyView,
    KeyWritten,
    ListKeysRequest,
    NoKey,
    NotGranted,
    Once,
    OnceReused,
    RevokeKeyRequest,
    RotateKeyRequest,
    TooManyKeys,
    Writer,
)
from core.ledger.messages import KeyDisabled, Message
from core.refusals import (
    AlreadyUsed,
    GrantRefused,
    InvalidRequest,
    NotFound,
    StateConflict,
    TooManyOfThem,
    VersionChanged,
)
from core.tenant.credentials import digest
from core.tenant.etag import etag, version_to_replace
from exchange import Answer, Exchange, json_answer
from ports import Ledger

TOKEN_START = "aw_live_"
TOKEN_DIGITS = 48
START_SHOWN = len(TOKEN_START) + 4

_IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,255}")
_GRANT_WORDS = {
    "outlives_its_maker": "this key ends, and may not make or open an administrator's key that ends later",
    "last_administrator": "this would leave nobody who administers the tenant; make another administrator's key first",
}


async def create_key(request: ApiRequest[Nothing, NewKey]) -> Answer:
    """A new key, and its token, once."""
    exchange = request.exchange
    made = await make_key(
        exchange, request.ledger, request.body, writer_of(request), once=_once(request)
    )  # fmt: skip
    if made.token is None:
        return json_answer(made, headers={"idempotent-replayed": "true"})
    return json_answer(made, status=201)


async def make_key(
    exchange: Exchange, ledger: Ledger, asked: NewKey, writer: Writer, *, once: Once | None = None
) -> MadeKey:
    """Have a tenant's Ledger make a key. Raises the refusal."""
    token = new_token(exchange)
    answer = await ledger.tell(
        CreateKeyRequest(
            key_id=exchange.ports.ids.new("key_")[:20],
            terms=terms_of(asked),
            token=_kept_of(token),
            writer=writer,
            budget_nanousd=budget_of(asked),
            once=once,
        )
    )
    if isinstance(answer, KeyMadeBefore):
        return made_key(answer.key, None)
    return made_key(_written(answer), token)


async def list_keys(request: ApiRequest[KeysQuery, Nothing]) -> Answer:
    """The tenant's keys, page by page."""
    after = read_cursor(request.query.after, "keys")
    page = await request.ledger.tell(
        ListKeysRequest(after_key_id=str(after[0]) if after else "", limit=request.query.limit)
    )
    last = page.next_after_key_id
    return json_answer(KeyPage([key_of(each) for each in page.keys], cursor_of("keys", last) if last else None))


async def read_key(request: ApiRequest[Nothing, Nothing]) -> Answer:
    found = await request.ledger.tell(KeyRequest(key_id=_key_id(request)))
    if isinstance(found, NoKey):
        raise _unknown()
    return _shown(found.key)


async def change_key(request: ApiRequest[Nothing, KeyChange]) -> Answer:
    """Replace what is said of a key, in place of the version that the caller names, if it does."""
    if_match = request.exchange.request.headers.get("if-match")
    question = ChangeKeyRequest(
        key_id=_key_id(request),
        terms=terms_of(request.body),
        budget_nanousd=budget_of(request.body),
        writer=writer_of(request),
        instead_of=None if if_match is None else version_to_replace(if_match),
    )
    return _shown(_written(await request.ledger.tell(question)))


async def rotate_key(request: ApiRequest[Nothing, Rotation]) -> Answer:
    """Another token for the same key: its name, budget and spending go on."""
    token = new_token(request.exchange)
    question = RotateKeyRequest(
        key_id=_key_id(request),
        token=_kept_of(token),
        overlap_s=request.body.overlap_s,
        writer=writer_of(request),
    )
    return json_answer(made_key(_written(await request.ledger.tell(question)), token))


async def revoke_key(request: ApiRequest[Nothing, Nothing]) -> Answer:
    """Disable a key for good."""
    question = RevokeKeyRequest(key_id=_key_id(request), writer=writer_of(request))
    return _shown(_written(await request.ledger.tell(question)))


def _shown(view: KeyView) -> Answer:
    return json_answer(key_of(view), headers={"etag": etag(view.version)})


def new_token(exchange: Exchange) -> str:
    """192 random bits: a token is never guessed, so its plain digest is enough to keep."""
    ids = exchange.ports.ids
    return TOKEN_START + (ids.new("") + ids.new(""))[:TOKEN_DIGITS].rjust(TOKEN_DIGITS, "0")


def writer_of(request: ApiRequest[Any, Any]) -> Writer:
    has_operator = request.exchange.isolate.settings.operator_digest is not None
    match request.who:
        case Caller() as caller:
            return Writer(
                actor=caller.actor,
                key_id=caller.key_id,
                token_number=caller.token_number,
                has_operator=has_operator,
            )
        case Operator() as operator:
            return Writer(actor=operator.actor, has_operator=has_operator)
        case _:
            raise AssertionError("nobody without a token writes keys")


def _kept_of(token: str) -> KeyToken:
    return KeyToken(1, digest(token).hex(), token[:START_SHOWN], token[-4:])


def _key_id(request: ApiRequest[Any, Any]) -> str:
    """What is no id of a key is the id of none."""
    key_id = request.path["key_id"]
    if not 0 < len(key_id) <= 64:
        raise _unknown()
    return key_id


def _once(request: ApiRequest[Any, NewKey]) -> Once | None:
    """What makes a repeat known. Raises `InvalidRequest`."""
    name = request.exchange.request.headers.get("idempotency-key")
    if name is None:
        return None
    if not _IDEMPOTENCY_KEY.fullmatch(name):
        raise InvalidRequest("idempotency-key must be 1 to 255 printable characters", param="idempotency-key")
    return Once(
        hashlib.sha256(f"{request.caller.actor}\n{name}".encode()).hexdigest(),
        hashlib.sha256(msgspec.json.encode(request.body)).hexdigest(),
    )


def _written(answer: Message) -> KeyView:
    """The key as it is now. Raises what an answer means where it is no key."""
    if isinstance(answer, KeyWritten):
        return answer.key
    _refuse(answer)


def _refuse(answer: Message) -> NoReturn:
    match answer:
        case KeyDisabled():
            raise key_refusal()
        case NoKey():
            raise _unknown()
        case KeyRevoked():
            raise StateConflict("this key is revoked, and stays so; make another")
        case NotGranted(fault=fault):
            raise GrantRefused(_GRANT_WORDS[fault], details={"fault": fault})
        case VersionConflict(present_version=present):
            raise VersionChanged(
                f"somebody has written version {present} of this key meanwhile: read it, and decide again",
                param="if-match",
                details={"present_version": present},
            )
        case OnceReused():
            raise AlreadyUsed("this idempotency-key was used for another request", param="idempotency-key")
        case TooManyKeys(most=most):
            raise TooManyOfThem(f"a tenant has at most {most} keys that are not revoked", details={"most": most})
    raise AssertionError("a Ledger answers what its question names")


def _unknown() -> NotFound:
    return NotFound("there is no such key")


ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        "GET", "/v1/keys", list_keys, "The tenant's keys", KeyPage,
        audience="admin", query=KeysQuery, is_administration=True,
    ),
    Endpoint(
        "POST", "/v1/keys", create_key, "Make a key; its token is in this answer and in no other", MadeKey,
        audience="admin", body=NewKey, optional_headers=("idempotency-key",), status=201, also_status=200,
        optional_answer_headers=("idempotent-replayed",), is_administration=True,
        refuses=(GrantRefused, TooManyOfThem, AlreadyUsed),
    ),
    Endpoint(
        "GET", "/v1/keys/{key_id}", read_key, "A key, its version as ETag", Key, audience="admin",
        answer_headers=("etag",), is_administration=True, refuses=(NotFound,),
    ),
    Endpoint(
        "PUT", "/v1/keys/{key_id}", change_key, "Replace what is said of a key: its name, role, rates, budget",
        Key, audience="admin", body=KeyChange, optional_headers=("if-match",), answer_headers=("etag",),
        is_administration=True, refuses=(NotFound, StateConflict, GrantRefused, VersionChanged),
    ),
    Endpoint(
        "DELETE", "/v1/keys/{key_id}", revoke_key, "Revoke a key: it is disabled for good", Key,
        audience="admin", answer_headers=("etag",), is_administration=True, refuses=(NotFound, GrantRefused),
    ),
    Endpoint(
        "POST", "/v1/keys/{key_id}/rotate", rotate_key, "Another token for a key; the one before may go on for a while",
        MadeKey, audience="admin", body=Rotation, is_administration=True,
        refuses=(NotFound, StateConflict, GrantRefused),
    ),
)  # fmt: skip
