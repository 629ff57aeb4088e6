"""Every way AgentWatch itself says no. A dialect renders a refusal; `app` catches it in one place.

    Refusal
      Unauthenticated      401  invalid_token
      ProviderKeyMissing   401  provider_key_missing
      BudgetExhausted      402  budget_exhausted
      ScopePaused          402  scope_paused
      NotPermitted         403  not_permitted
      UnmeteredPath        403  unmetered_path
      SharedAccount        403  shared_account
      RuleBlocked          403  rule_blocked          details name the rule
      RateLimited          429  rate_limited          retryable
      RuleThrottled        429  rule_throttled        retryable, details name the rule
      InvalidRequest       400  invalid_request       param names the field
      UnpricedModel        400  unpriced_model
      RouteNotFound        404  route_not_found
      NotFound             404  not_found
      MethodNotAllowed     405  method_not_allowed    details name what is allowed
      VersionChanged       412  version_changed       details name the present version
      BodyTooLarge         413  body_too_large
      UnsupportedEncoding  415  unsupported_encoding
      UnreadableAnswer     424  unreadable_answer
      VersionRequired      428  version_required
      InternalError        500  internal_error        retryable
      UpstreamUnreachable  502  upstream_unreachable  retryable
      UpstreamTruncated    502  upstream_truncated    retryable, only ever mid-stream
      InvalidConfiguration 503  invalid_configuration retryable
      TenantsUnavailable   503  tenants_unavailable   retryable
      BudgetUnavailable    503  budget_unavailable    retryable
      TooManyBytes         503  too_many_bytes        retryable
      UpstreamTimedOut     504  upstream_timeout      retryable

`code` is the contract, `message` is prose. A subclass sets its four class-level facts and nothing else.
`details` are plain JSON values shown beside the error; they never hold a key, a prompt or a token.
"""

from collections.abc import Mapping
from typing import ClassVar

Detail = str | int | float | bool | None


class Refusal(Exception):
    """We say no. `retry_after_ms` is only ever set on a retryable refusal."""

    status: ClassVar[int]
    type: ClassVar[str]
    code: ClassVar[str]
    is_retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        details: Mapping[str, Detail] | None = None,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(message)
        assert retry_after_ms is None or self.is_retryable, "only a retryable refusal names a delay"
        self.message = message
        self.param = param
        self.details: Mapping[str, Detail] = details or {}
        self.retry_after_ms = retry_after_ms


class Unauthenticated(Refusal):
    """The token is missing, malformed, unknown or disabled; which of these it is stays with us."""

    status, type, code = 401, "authentication_error", "invalid_token"


class ProviderKeyMissing(Refusal):
    """Neither the caller nor the Worker has a key for this provider."""

    status, type, code = 401, "authentication_error", "provider_key_missing"


class NotPermitted(Refusal):
    """The token is good but its role may not do this."""

    status, type, code = 403, "permission_error", "not_permitted"


class UnmeteredPath(Refusal):
    """A provider route that could cost money and that nothing here knows how to meter."""

    status, type, code = 403, "permission_error", "unmetered_path"


class SharedAccount(Refusal):
    """What is stored under the provider's account may be another tenant's: the Worker's own key does not reach it."""

    status, type, code = 403, "permission_error", "shared_account"


class BudgetExhausted(Refusal):
    """A budget does not cover this call. Retrying cannot help before the window turns."""

    status, type, code = 402, "budget_error", "budget_exhausted"


class ScopePaused(Refusal):
    """An administrator paused the session, team or tenant, or a rule of the tenant the session."""

    status, type, code = 402, "budget_error", "scope_paused"


class RuleBlocked(Refusal):
    """A rule of the tenant stops the call."""

    status, type, code = 403, "permission_error", "rule_blocked"


class RuleThrottled(Refusal):
    """Calls that a rule of the tenant counts come too fast."""

    status, type, code, is_retryable = 429, "rate_limit_error", "rule_throttled", True


class RateLimited(Refusal):
    """Too many requests or tokens a minute."""

    status, type, code, is_retryable = 429, "rate_limit_error", "rate_limited", True


class InvalidRequest(Refusal):
    """The request itself is wrong; `param` names the field or header."""

    status, type, code = 400, "invalid_request_error", "invalid_request"


class UnpricedModel(Refusal):
    """The model has no price and the tenant's policy is to block such models."""

    status, type, code = 400, "invalid_request_error", "unpriced_model"


class RouteNotFound(Refusal):
    """No such route, or no such provider."""

    status, type, code = 404, "invalid_request_error", "route_not_found"


class NotFound(Refusal):
    """The route exists, but not the thing that it names; `param` says which part of it."""

    status, type, code = 404, "invalid_request_error", "not_found"


class MethodNotAllowed(Refusal):
    """The route exists, but not for this method."""

    status, type, code = 405, "invalid_request_error", "method_not_allowed"


class VersionChanged(Refusal):
    """Somebody else has written the document since the version that this write names (`If-Match`)."""

    status, type, code = 412, "invalid_request_error", "version_changed"


class VersionRequired(Refusal):
    """A write that does not say which version it replaces would undo another's unseen."""

    status, type, code = 428, "invalid_request_error", "version_required"


class BodyTooLarge(Refusal):
    """The request body exceeds the bound."""

    status, type, code = 413, "invalid_request_error", "body_too_large"


class UnsupportedEncoding(Refusal):
    """The request body is compressed, so it cannot be judged."""

    status, type, code = 415, "invalid_request_error", "unsupported_encoding"


class UpstreamUnreachable(Refusal):
    """The provider could not be reached, or the connection was lost before it answered."""

    status, type, code, is_retryable = 502, "upstream_error", "upstream_unreachable", True


class UnreadableAnswer(Refusal):
    """The provider answered, and may bill it, but the answer broke off or makes no sense. The same once more would be
    billed once more. No official client tries a 424 again by itself; google-genai would a 502, whatever its headers."""

    status, type, code = 424, "upstream_error", "unreadable_answer"


class UpstreamTimedOut(Refusal):
    """The provider did not begin to answer in time."""

    status, type, code, is_retryable = 504, "upstream_error", "upstream_timeout", True


class UpstreamTruncated(Refusal):
    """The provider's stream broke off before its proper end. Only ever rendered mid-stream."""

    status, type, code, is_retryable = 502, "upstream_error", "upstream_truncated", True


class BudgetUnavailable(Refusal):
    """The ledger cannot be reached and the outage allowance is spent, or the tenant fails closed."""

    status, type, code, is_retryable = 503, "unavailable_error", "budget_unavailable", True


class TooManyBytes(Refusal):
    """The request bodies on their way through this isolate leave no room for this one just now."""

    status, type, code, is_retryable = 503, "unavailable_error", "too_many_bytes", True


class TenantsUnavailable(Refusal):
    """The store of tenants cannot be read, and neither this isolate nor the static map knows the token or what its
    tenant may do."""

    status, type, code, is_retryable = 503, "unavailable_error", "tenants_unavailable", True


class InvalidConfiguration(Refusal):
    """The tenant's configuration does not parse, and no earlier one is known here: what it limits cannot be guessed."""

    status, type, code, is_retryable = 503, "unavailable_error", "invalid_configuration", True


class InternalError(Refusal):
    """A fault of ours. The request id leads an operator to the log line."""

    status, type, code, is_retryable = 500, "internal_error", "internal_error", True
