"""What a call may reach under a provider account that tenants share: only what the caller's own tenant made."""

from collections.abc import Mapping, Sequence

import msgspec

from core.refusals import SharedAccount
from core.wire.dialects.provider_tools import named
from core.wire.facts import ParsedCall
from core.wire.json_body import decode_request
from core.wire.media.walk import add_stored_items, given, objects

NAMED_MAX = 5
ANSWER_MEMBERS = ("previous_response_id", "conversation", "thread")
"""Members that name an earlier answer; its id is among `ParsedCall.earlier_answers`."""


def refuse_shared_references(parsed: ParsedCall, *, path: str) -> None:
    """Refuse a call that refers to what is stored under the account (files, caches, tuned models): it may be another
    tenant's. Answers that it names by their ids pass here: the Ledger knows whose they are.

    Raises `SharedAccount` naming the members.
    """
    members = list(parsed.stored_references)
    if parsed.names_earlier_answers:
        members = [name for name in members if name.partition(".")[0] not in ANSWER_MEMBERS]
    _refuse([*members, *_taught(path, parsed.model)])


class _AnyBody(msgspec.Struct):
    """A request of which no member is read by itself."""


def refuse_shared_references_in(body: bytes, *, path: str) -> None:
    """The same of a call that costs nothing, such as a count of tokens: it would tell of what is stored. The Ledger is
    not asked, so that no earlier answer passes.

    Raises `SharedAccount` naming the members, or `InvalidRequest`.
    """
    read = decode_request(body, _AnyBody)
    media = read.media("")
    add_stored_items(media, [read.members.get("input"), read.members.get("instructions")])
    stored = {name: read.members.get(name) for name in (*ANSWER_MEMBERS, "prompt")}
    models = [str(model) for each in (read.members, *_counted(read.members)) for model in given(each, "model")]
    _refuse((*media.stored, *named(stored), *_taught(path, *models)))


def _counted(members: Mapping[str, object]) -> list[Mapping[str, object]]:
    """The whole request that Gemini may be asked to count."""
    return objects(given(members, "generatecontentrequest"))


def _taught(path: str, *models: str) -> tuple[str, ...]:
    """A model that answers out of what a tenant taught it."""
    is_taught = "tunedModels/" in path or any("tunedModels/" in each or each.startswith("ft:") for each in models)
    return ("model",) if is_taught else ()


def _refuse(members: Sequence[str]) -> None:
    if members:
        shown = ", ".join(member[:60] for member in members[:NAMED_MAX])
        raise SharedAccount(
            f"{shown}: refers to what is stored under an account that tenants share; send your own provider key",
            param=members[0][:60],
        )
