"""What whoever runs the deployment has decided of a tenant: its name, whether it is let in, and ceilings that it cannot
raise. One of its documents, kept in the tenant's own Ledger, which holds the money to the ceilings.

The rules easy to break: a ceiling is no limit but the most that a limit may be. The tenant's own limits stay as they
were decided, and what is in force is the smaller of both. And whoever is held to a ceiling of money does not say what
money is: under one a tenant's own prices hold as little as its word that something costs nothing.
"""

from typing import Annotated

import msgspec

from core.money.amount import Usd
from core.tenant.document import DocumentKind, DocumentWarning, InvalidDocument, Writing, usd_member
from core.tenant.policy import OUTAGE_ALLOWANCE_DEFAULT_NANOUSD, TenantPolicy
from core.wire.json_text import InvalidJSON, read_json


class TenantDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tenant as its operator writes it. Dollars are decimal strings; null is no ceiling."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    """For people."""
    suspended: bool = False
    """None of its tokens is answered."""
    session_budget_max_usd: Usd | None = None
    """The most that any of its sessions may have as its limit; a session without a limit has this one."""
    require_session: bool = False
    """Calls that cost money have to name their session."""
    budget_max_usd: Usd | None = None
    """The most that it may have as its budget of a month."""
    reaches_shared_accounts: bool = False
    """With `allow_unmetered_paths` in its configuration its calls may also reach what is stored under the Worker's
    accounts at the providers (files, batches, caches), which may be other tenants'."""


class Ceilings(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant cannot change, with every default filled in. Amounts in nano-dollars."""

    name: str | None = None
    is_suspended: bool = False
    session_limit_max_nanousd: int | None = None
    requires_session: bool = False
    month_limit_max_nanousd: int | None = None
    reaches_shared_accounts: bool = True
    """What a tenant's own configuration says of that is in force. One that has no operator is its own."""

    @property
    def limits_money(self) -> bool:
        return self.session_limit_max_nanousd is not None or self.month_limit_max_nanousd is not None


NO_CEILINGS = Ceilings()


def session_ceiling(policy: TenantPolicy, ceilings: Ceilings) -> int | None:
    """The most that a session's limit may be: the smaller of its tenant's word and the operator's."""
    both = (policy.session_limit_max_nanousd, ceilings.session_limit_max_nanousd)
    return min((each for each in both if each is not None), default=None)


def policy_under(policy: TenantPolicy, ceilings: Ceilings) -> TenantPolicy:
    """The tenant's configuration as far as it is in force: what passes uncounted would pass a ceiling of money, too,
    and so would what passes while nobody can be asked. Whether it reaches what other tenants have stored is for the
    operator to say."""
    reaches = policy.reaches_shared_accounts and ceilings.reaches_shared_accounts
    if reaches != policy.reaches_shared_accounts:
        policy = msgspec.structs.replace(policy, reaches_shared_accounts=reaches)
    allowance = min(policy.outage_allowance_nanousd, OUTAGE_ALLOWANCE_DEFAULT_NANOUSD)
    passes = policy.unpriced_models == "free" or policy.allows_unmetered_paths
    if not ceilings.limits_money or (not passes and allowance == policy.outage_allowance_nanousd):
        return policy
    return msgspec.structs.replace(
        policy,
        unpriced_models="estimate" if policy.unpriced_models == "free" else policy.unpriced_models,
        allows_unmetered_paths=False,
        reaches_shared_accounts=False,
        outage_allowance_nanousd=allowance,
    )


def parse_ceilings(document: bytes | str) -> Ceilings:
    """Raises `InvalidDocument` naming the field at fault."""
    try:
        stored = read_json(document, TenantDocument)
    except InvalidJSON as error:
        raise InvalidDocument(str(error), error.place) from None
    return Ceilings(
        name=stored.name,
        is_suspended=stored.suspended,
        session_limit_max_nanousd=usd_member(stored.session_budget_max_usd, "session_budget_max_usd"),
        requires_session=stored.require_session,
        month_limit_max_nanousd=usd_member(stored.budget_max_usd, "budget_max_usd"),
        reaches_shared_accounts=stored.reaches_shared_accounts,
    )


def judge_ceilings(document: str, _: Writing) -> tuple[DocumentWarning, ...]:
    """Raises `InvalidDocument`."""
    parse_ceilings(document)
    return ()


CEILINGS = DocumentKind(
    name="tenant",
    summary="The tenant as its operator has it",
    schema=TenantDocument,
    parse=parse_ceilings,
    default=NO_CEILINGS,
    judge=judge_ceilings,
    has_routes=False,
)
