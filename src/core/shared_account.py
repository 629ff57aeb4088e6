"""What a call may reach under a provider account that tenants share: only what the caller's own tenant made."""

from core.calls import ParsedCall
from core.refusals import SharedAccount

NAMED_MAX = 5
ANSWER_MEMBERS = ("previous_response_id", "conversation", "thread")
"""Members that name an earlier answer; its id is among `ParsedCall.earlier_answers`."""


def refuse_shared_references(
    parsed: ParsedCall,
    *,
    path: str,
    is_own_key: bool,
    allows_unmetered_paths: bool,
    known_ids: frozenset[str] = frozenset(),
) -> None:
    """Refuse a call with the Worker's key that refers to what is stored under its account (files, caches, tuned models,
    stored answers): it may be another tenant's. `known_ids` are answers that this tenant is known to have made.

    Raises `SharedAccount` naming the members.
    """
    if is_own_key or allows_unmetered_paths:
        return
    members = list(parsed.stored_references)
    if known_ids.issuperset(parsed.earlier_answers):
        members = [name for name in members if name.partition(".")[0] not in ANSWER_MEMBERS]
    elif not members:
        members = ["an earlier answer"]
    if "tunedModels/" in path or parsed.model.startswith("ft:"):
        members.append("model")  # it answers out of what a tenant taught it
    if members:
        named = ", ".join(member[:60] for member in members[:NAMED_MAX])
        raise SharedAccount(
            f"{named}: refers to what is stored under an account that tenants share; send your own provider key",
            param=members[0][:60],
        )
