"""A tenant's configuration: what its traffic may do. One of its documents (`core.tenant.documents`).

Budgets of teams and of the tenant itself are not here: they live with the money, in the tenant's Ledger.
"""

from typing import Annotated, Literal

import msgspec

from core.bounds import ORIGIN_CHARACTERS_MAX, REQUESTS_PER_MINUTE_MAX, TOKENS_PER_MINUTE_MAX
from core.money.amount import Usd, parse_usd
from core.tenant.cors import ANY_ORIGIN, is_origin
from core.tenant.document import DocumentKind, DocumentWarning, InvalidDocument, Writing, usd_member
from core.tenant.receivers.address import url_fault
from core.tenant.sign_on.mapping import (
    SIGN_ON_DENIED_MAX,
    SIGN_ON_ENTRIES_MAX,
    SignOnEntry,
    SignOnId,
    SignOnMap,
    read_sign_on,
    sign_on_warnings,
)
from core.wire.json_text import InvalidJSON, read_json

UnpricedPolicy = Literal["block", "estimate", "free"]
CutForm = Literal["error", "truncate"]

KeyId = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
PerMinute = Annotated[int, msgspec.Meta(ge=1, le=REQUESTS_PER_MINUTE_MAX)]

OUTAGE_ALLOWANCE_DEFAULT_NANOUSD = parse_usd("1")


CORS_ORIGINS_MAX = 50

Origin = Annotated[str, msgspec.Meta(min_length=1, max_length=ORIGIN_CHARACTERS_MAX)]

DISABLED_KEYS_MAX = 100
"""Names of keys, each at most 128 characters: an isolate keeps those of two thousand tenants. One that is gone from KV
need not stay among them."""


class ConfigDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The configuration as it is written. Dollars are decimal strings; requests per minute are whole numbers."""

    session_budget_usd: Usd | None = None
    session_budget_max_usd: Usd | None = None
    """The most that a session may have as its limit, whoever states it; one without a limit has this one."""
    require_session: bool = False
    """Calls that cost money have to name their session."""
    requests_per_minute: PerMinute = 100
    tokens_per_minute: Annotated[int, msgspec.Meta(ge=1, le=TOKENS_PER_MINUTE_MAX)] | None = None
    """Of all calls: their input as they come, corrected by what they used."""
    unpriced_models: UnpricedPolicy = "estimate"
    allow_unmetered_paths: bool = False
    stream_cut: CutForm = "error"
    shrink_structured: bool = False
    """A call whose answer has to have a form may be shortened below the shortest answer of that form."""
    budget_wait_s: Annotated[int, msgspec.Meta(ge=0, le=120)] = 30
    fail_closed: bool = False
    outage_allowance_usd: Usd | None = None
    slack_webhook_url: str | None = None
    """Where alerts and the weekly report go, in Slack's form."""
    webhook_url: str | None = None
    """Where alerts go as JSON of our own."""
    disabled_keys: Annotated[list[KeyId], msgspec.Meta(max_length=DISABLED_KEYS_MAX)] = []
    """Key ids that are refused from the next metered call on, in every isolate."""
    anomaly_alerts: bool = True
    """Tell of a session whose prompts grow by more than 1.4 from call to call."""
    anomaly_prompt_tokens_min: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)] = 0
    """Not before its prompts are this long."""
    risk_tags: bool = False
    """Look for personal data and secrets in every request, and record their kinds. A rule that asks for them has the
    requests looked at that it may meet, whatever is said here."""
    redaction: bool = False
    """Let rules replace what they find in a request before the provider sees it."""
    cors_origins: Annotated[list[Origin], msgspec.Meta(max_length=CORS_ORIGINS_MAX)] = []
    """Web pages that may read the answers to calls: `https://app.example.com`, or `*` for every page."""
    sign_on: Annotated[list[SignOnEntry], msgspec.Meta(max_length=SIGN_ON_ENTRIES_MAX)] = []
    """Who may administer after signing on by Cloudflare Access."""
    sign_on_denied: Annotated[list[SignOnId], msgspec.Meta(max_length=SIGN_ON_DENIED_MAX)] = []
    """Subs of people who may not, whatever `sign_on` says."""


class TenantPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant's traffic may do, with every default filled in. Amounts in nano-dollars."""

    session_limit_nanousd: int | None = None
    """Limit of a session that names none itself; None leaves such sessions unlimited."""
    session_limit_max_nanousd: int | None = None
    requires_session: bool = False
    requests_per_minute: int = 100
    tokens_per_minute: int | None = None
    unpriced_models: UnpricedPolicy = "estimate"
    allows_unmetered_paths: bool = False
    reaches_shared_accounts: bool = False
    """Its calls may reach what is stored under a provider account that tenants share."""
    stream_cut: CutForm = "error"
    shrinks_structured: bool = False
    """Calls whose answer has to have a form are shortened like any other."""
    budget_wait_ms: int = 30_000
    """How long a call waits for money that is only held for other calls, before it is refused."""
    fails_closed: bool = False
    outage_allowance_nanousd: int = OUTAGE_ALLOWANCE_DEFAULT_NANOUSD
    """Dollars per isolate and hour that may pass while the Ledger is away."""
    disabled_keys: frozenset[str] = frozenset()
    tells_anomalies: bool = True
    anomaly_prompt_tokens_min: int = 0
    records_risk_tags: bool = False
    allows_redaction: bool = False
    cors_origins: frozenset[str] = frozenset()
    sign_on: SignOnMap = SignOnMap()


DEFAULT_POLICY = TenantPolicy()


def parse_policy(document: bytes | str) -> TenantPolicy:
    """Read a configuration as it was written. Raises `InvalidDocument` naming the field at fault."""
    try:
        stored = read_json(document, ConfigDocument)
    except InvalidJSON as error:
        raise InvalidDocument(str(error), error.place) from None
    return TenantPolicy(
        session_limit_nanousd=usd_member(stored.session_budget_usd, "session_budget_usd"),
        session_limit_max_nanousd=usd_member(stored.session_budget_max_usd, "session_budget_max_usd"),
        requires_session=stored.require_session,
        requests_per_minute=stored.requests_per_minute,
        tokens_per_minute=stored.tokens_per_minute,
        unpriced_models=stored.unpriced_models,
        allows_unmetered_paths=stored.allow_unmetered_paths,
        reaches_shared_accounts=stored.allow_unmetered_paths,
        stream_cut=stored.stream_cut,
        shrinks_structured=stored.shrink_structured,
        budget_wait_ms=stored.budget_wait_s * 1_000,
        fails_closed=stored.fail_closed,
        outage_allowance_nanousd=usd_member(stored.outage_allowance_usd, "outage_allowance_usd")
        or OUTAGE_ALLOWANCE_DEFAULT_NANOUSD,
        disabled_keys=frozenset(stored.disabled_keys),
        tells_anomalies=stored.anomaly_alerts,
        anomaly_prompt_tokens_min=stored.anomaly_prompt_tokens_min,
        records_risk_tags=stored.risk_tags,
        allows_redaction=stored.redaction,
        cors_origins=frozenset(stored.cors_origins),
        sign_on=read_sign_on(stored.sign_on, stored.sign_on_denied),
    )


def judge_config(document: str, writing: Writing) -> tuple[DocumentWarning, ...]:
    """Raises `InvalidDocument`, also for a receiver of alerts that nothing would be sent to. Calls do not depend on
    one, so a configuration that has such a receiver goes on to be read; `report_dispatches` says why nothing was
    sent."""
    policy = parse_policy(document)
    written = read_json(document, ConfigDocument)
    for field in ("slack_webhook_url", "webhook_url"):
        url = getattr(written, field)
        fault = None if url is None else url_fault(url, allows_private=writing.allows_private_receivers)
        if fault:
            raise InvalidDocument(f"{field} {fault}", field)
    for place, origin in enumerate(written.cors_origins):
        if origin != ANY_ORIGIN and not is_origin(origin):
            words = "must be an origin as browsers send it, such as https://app.example.com, or *"
            raise InvalidDocument(f"cors_origins[{place}] {words}", f"cors_origins[{place}]")
    return (*sign_on_warnings(written.sign_on), *_ceiling_warnings(policy))


def _ceiling_warnings(policy: TenantPolicy) -> tuple[DocumentWarning, ...]:
    default, most = policy.session_limit_nanousd, policy.session_limit_max_nanousd
    if default is None or most is None or default <= most:
        return ()
    words = "sessions get session_budget_max_usd instead, which is less"
    return (DocumentWarning("/session_budget_usd", "above_ceiling", words),)


CONFIG = DocumentKind(
    name="config",
    summary="The tenant's configuration",
    schema=ConfigDocument,
    parse=parse_policy,
    default=DEFAULT_POLICY,
    judge=judge_config,
)
