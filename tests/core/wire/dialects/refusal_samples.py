"""One refusal of each kind, as a caller would get it."""

from core import refusals
from core.refusals import Refusal

REQUEST_ID = "req_01a20efe944f000000000001"

ACCOUNT: dict[str, refusals.Detail] = {
    "scope": "session",
    "scope_id": "run-7",
    "window": "session",
    "limit_usd": "5",
    "spent_usd": "4.98",
    "held_usd": "0.01",
    "resets_at": None,
}

SAMPLES: tuple[Refusal, ...] = (
    refusals.Unauthenticated("this token is not valid"),
    refusals.ProviderKeyMissing(
        "no key for groq: send your own behind the token (aw_live_…:your-key) or set the secret GROQ_API_KEY"
    ),
    refusals.BudgetExhausted(
        "the budget of session 'run-7' does not cover this call: limit $5, spent $4.98, held $0.01, needed $0.0123: $0.0112 of it for the input",
        details={**ACCOUNT, "needed_usd": "0.0123", "needed_input_usd": "0.0112", "needed_output_usd": "0.0011"},
    ),
    refusals.ScopePaused("session 'run-7' is paused", details=ACCOUNT),
    refusals.AnswerCut(
        "the answer was cut after 120 tokens of output and $0.0012, which is charged: the budget of session 'run-7' does "
        "not cover more of it: limit $5, spent $4.9812 with this answer, held $0.01 for other calls",
        details={
            **ACCOUNT,
            "spent_usd": "4.9812",
            "cause": "budget_exhausted",
            "charged_usd": "0.0012",
            "output_tokens": 120,
        },
    ),
    refusals.NotPermitted("changing a budget needs a token with the admin role"),
    refusals.GrantRefused(
        "this key ends, and may not make an administrator's key that ends later", details={"fault": "outlives_its_maker"}
    ),
    refusals.TenantSuspended("this tenant is suspended"),
    refusals.UnmeteredPath(
        "the provider would run code_interpreter and bill it in a way that is not metered: leave that out, or have an "
        "administrator set allow_unmetered_paths in the tenant's configuration",
        param="tools",
    ),
    refusals.SharedAccount("GET files reaches what is stored under an account that tenants share; "
                           "send your own provider key"),
    refusals.RuleBlocked(
        "Ask the platform team for o3.", details={"rule": "no-big-models", "rule_name": "Research uses small models"}
    ),
    refusals.RuleThrottled(
        "rule 'Slow down' lets 10 such requests pass a minute",
        retry_after_ms=600,
        details={"rule": "slow", "rule_name": "Slow down", "limit_per_minute": 10, "remaining": 0},
    ),
    refusals.RateLimited(
        "more than 100 requests a minute", retry_after_ms=600, details={"limit_per_minute": 100, "remaining": 0}
    ),
    refusals.InvalidRequest(
        "the request body does not fit: Object missing required field `model`", param="model"
    ),
    refusals.SessionRequired(
        "every call of this tenant names its session: send x-agentwatch-session-id", param="x-agentwatch-session-id"
    ),
    refusals.UnpricedModel(
        "openai model 'gpt-9' has no listed price: name another model, or have an administrator state its price "
        "(PUT /v1/prices) or set unpriced_models",
        param="model",
    ),
    refusals.RouteNotFound("there is no provider 'azure'; known are openai, anthropic, gemini, groq, xai", param="provider"),
    refusals.NotFound("version 3 of this document is not kept", param="version"),
    refusals.MethodNotAllowed("this route takes POST, not GET", details={"allow": "POST"}),
    refusals.StateConflict("this key is revoked, and stays so; make another"),
    refusals.TooManyOfThem("a tenant has at most 5000 keys that are not revoked", details={"most": 5_000}),
    refusals.AlreadyExists("there is a tenant 'acme' already", param="tenant"),
    refusals.VersionChanged(
        "the document is at version 7, not at the one that If-Match names", details={"present_version": 7}
    ),
    refusals.BodyTooLarge("a request body may have at most 10485760 bytes"),
    refusals.UnsupportedEncoding(
        "the body is encoded as 'br', which cannot be read here: send it plain, without content-encoding, or once in one of "
        "gzip, deflate, zstd",
        param="content-encoding",
    ),
    refusals.UnsupportedMediaType("the body must be application/json, not text/plain", param="content-type"),
    refusals.VersionRequired("say which version this replaces: If-Match with the ETag that was read, or *", param="if-match"),
    refusals.InternalError("AgentWatch failed to handle this request"),
    refusals.UpstreamUnreachable("the provider could not be reached"),
    refusals.AlreadyUsed("this idempotency-key was used for another request", param="idempotency-key"),
    refusals.HttpOnly(
        "a WebSocket cannot be metered: ask over HTTP, streamed with stream: true", param="upgrade"
    ),
    refusals.UnreadableAnswer("the provider's answer broke off or was not valid; it may have billed it"),
    refusals.UpstreamTruncated("the provider's stream broke off before its end"),
    refusals.InvalidConfiguration("the configuration of this tenant cannot be used: unknown field `fail_close`"),
    refusals.TenantsUnavailable("tokens cannot be checked just now", retry_after_ms=2_000),
    refusals.BudgetUnavailable("budgets cannot be checked just now", retry_after_ms=1_000),
    refusals.RecordsUnavailable("the database does not answer just now", retry_after_ms=2_000),
    refusals.TooManyBytes(
        "too many bytes of request bodies are on their way through this isolate", retry_after_ms=1_000
    ),
    refusals.UpstreamTimedOut("the provider did not begin to answer in time"),
)  # fmt: skip
