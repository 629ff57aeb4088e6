"""What a call may reach under a provider account that tenants share: only what the caller's own tenant made."""

from core.refusals import SharedAccount
from core.wire.facts import ParsedCall

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
    if "tunedModels/" in path or parsed.model.startswith("ft:"):
        members.append("model")  # it answers out of what a tenant taught it
    if members:
        named = ", ".join(member[:60] for member in members[:NAMED_MAX])
        raise SharedAccount(
            f"{named}: refers to what is stored under an account that tenants share; send your own provider key",
            param=members[0][:60],
        )
