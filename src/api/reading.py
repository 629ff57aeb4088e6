"""What one of our own routes was asked, judged in the order that is the same everywhere: what the body is said to be
(415), how long it is (413), the query (400), which version is to be replaced (428), and last what the body says (400).
Path, method, credential and role were judged before.

The rule easy to break: whatever bytes come in, a caller is told what is wrong with them; none of them is a surprise.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote_to_bytes

import msgspec

from access.identity import Caller, Operator
from api.endpoint import AnyEndpoint, ApiRequest, Nothing
from core.bounds import OWN_BODY_BYTES_MAX
from core.call.context import SESSION_NAME
from core.refusals import Fault, InvalidRequest, RouteNotFound, UnsupportedMediaType
from core.tenant.etag import version_to_replace
from core.wire.json_faults import oddities_of
from core.wire.json_text import InvalidJSON, fitted
from exchange import Exchange, check_depth, decoded

PARAMETERS_OF_CLIENTS = frozenset(("key", SESSION_NAME))
"""What may stand in a query on every route, because a client sends it along with whatever it asks: its token
(`core.tenant.credentials`), and its session (`core.call.context`)."""

_NAME_SHOWN = 64
_MEDIA_TYPE = re.compile(
    r"(?:application/json[ \t]*(?:;[ \t]*charset=\"?utf-8\"?[ \t]*)?|application/x-www-form-urlencoded)", re.IGNORECASE
)
"""JSON; and what curl says of whatever it sends with `-d`, which is read as JSON all the same. A page of another site
could say that, too, but it has no token to send; whoever signs on has to say JSON (`access.sign_on`)."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

Q = TypeVar("Q", bound=msgspec.Struct)


async def read_request(
    exchange: Exchange, endpoint: AnyEndpoint, path: Mapping[str, str], who: Caller | Operator | None
) -> ApiRequest[Any, Any]:
    """The request as its handler is told of it. Raises the refusal."""
    text = await _text_of(exchange, endpoint)
    query = read_query(exchange.request.query, endpoint.query)
    headers = exchange.request.headers
    if "if-match" in endpoint.headers:
        version_to_replace(headers.get("if-match"), headers.get("if-none-match"))
    return ApiRequest(exchange, who, path, query, _body_of(endpoint, text), text)


def read_query(query: str, kind: type[Q]) -> Q:
    """The query as its type has it. Raises `InvalidRequest` naming the parameter: also for one that nobody knows, since
    a misspelt filter would show more than was asked for, and for one that is given twice."""
    known = {field.encode_name: field.name for field in msgspec.structs.fields(kind)}
    given: dict[str, str] = {}
    for name, value in _pairs_of(query):
        if name not in known and name not in PARAMETERS_OF_CLIENTS:
            there_are = f"; there are {', '.join(sorted(known))}" if known else ""
            raise _wrong_query(f"there is no parameter {name[:_NAME_SHOWN]}{there_are}", name)
        if name in given:
            raise _wrong_query(f"{name[:_NAME_SHOWN]} is given twice", name)
        if "\0" in value:
            raise _wrong_query(f"{name[:_NAME_SHOWN]} has a NUL in it", name)
        given[name] = value
    try:
        asked = fitted({name: value for name, value in given.items() if name in known}, kind)
    except InvalidJSON as error:
        raise InvalidRequest(f"the query does not fit: {error}", param=error.place) from None
    for name in given:
        if name in known and getattr(asked, known[name]) is None:
            raise _wrong_query(f"{name} cannot be null: leave it out", name)
    return asked


def decoded_path(found: re.Match[str]) -> dict[str, str]:
    """The parameters in a path. Raises `RouteNotFound` for what is no text: nothing has such a name."""
    try:
        parameters = {name: unquote_to_bytes(value).decode() for name, value in found.groupdict().items()}
    except UnicodeDecodeError:
        raise RouteNotFound("there is no such route: an escape in its path is not UTF-8") from None
    if any(_CONTROL.search(value) for value in parameters.values()):
        raise RouteNotFound("there is no such route: its path has a control character")
    return parameters


def _pairs_of(query: str) -> Sequence[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:  # a `UnicodeDecodeError` is one, too
        raise InvalidRequest("the query has too many parameters, or an escape that is not UTF-8", param=None) from None


def _wrong_query(words: str, name: str) -> InvalidRequest:
    return InvalidRequest(f"the query does not fit: {words}", param=name[:_NAME_SHOWN])


async def _text_of(exchange: Exchange, endpoint: AnyEndpoint) -> bytes:
    """The body of a route that takes one. Raises `UnsupportedMediaType`, or what reading it raises."""
    if endpoint.body is Nothing:
        return b""
    said = exchange.request.headers.get("content-type", "").strip()
    if said and _MEDIA_TYPE.fullmatch(said) is None:
        raise UnsupportedMediaType(
            f"the body must be application/json, and content-type says {said[:80]}", param="content-type"
        )
    with exchange.room_for_body(OWN_BODY_BYTES_MAX) as room:
        return await exchange.read_body(room)


def _body_of(endpoint: AnyEndpoint, text: bytes) -> msgspec.Struct:
    if endpoint.body is Nothing:
        return Nothing()
    if endpoint.reads_body:
        check_depth(text)
        return Nothing()
    body: msgspec.Struct = decoded(text, endpoint.body)
    refuse_oddities(text)
    return body


def refuse_oddities(text: bytes) -> None:
    """Raises `InvalidRequest` for a body that was read, and has a second reading or what no database takes."""
    found = oddities_of(text)
    if found:
        raise InvalidRequest(f"the body does not fit: {words_of(found[0])}", param=param_of(found[0]), faults=found)


def words_of(fault: Fault) -> str:
    return f"{param_of(fault) or 'the body'} {fault.message}"


def param_of(fault: Fault) -> str | None:
    """Where it is, in the way of `param`."""
    place = ""
    for step in fault.pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        place += f"[{name}]" if name.isdigit() else f"{place and '.'}{name}"
    return place or None
