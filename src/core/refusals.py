"""Every way AgentWatch itself says no. A dialect renders a refusal; `app` catches it in one place.

    Refusal
      Unauthenticated      401  invalid_token
      ProviderKeyMissing   401  provider_key_missing
      BudgetExhausted      402  budget_exhausted
      ScopePaused          402  scope_paused
      AnswerCut            402  answer_cut            only ever mid-stream, details name the cause
      NotPermitted         403  not_permitted         details name the fault of an origin
      GrantRefused         403  grant_refused         details name the fault
      TenantSuspended      403  tenant_suspended
      UnmeteredPath        403  unmetered_path
      SharedAccount        403  shared_account
      RuleBlocked          403  rule_blocked          details name the rule
      RateLimited          429  rate_limited          retryable
      RuleThrottled        429  rule_throttled        retryable, details name the rule
      InvalidRequest       400  invalid_request       param names the field
      SessionRequired      400  session_required      param names the header
      UnpricedModel        400  unpriced_model
      RouteNotFound        404  route_not_found
      NotFound             404  not_found
      MethodNotAllowed     405  method_not_allowed    details name what is allowed
      StateConflict        409  state_conflict
      TooManyOfThem        409  too_many              details say how many there may be
      AlreadyExists        409  already_exists        param names what
      VersionChanged       412  version_changed       details name the present version
      BodyTooLarge         413  body_too_large
      UnsupportedEncoding  415  unsupported_encoding
      UnsupportedMediaType 415  unsupported_media_type
      AlreadyUsed          422  idempotency_key_reused
      UnreadableAnswer     424  unreadable_answer
      HttpOnly             426  http_only
      VersionRequired      428  version_required
      InternalError        500  internal_error        retryable
      UpstreamUnreachable  502  upstream_unreachable  retryable
      UpstreamTruncated    502  upstream_truncated    retryable, only ever mid-stream
      InvalidConfiguration 503  invalid_configuration retryable
      TenantsUnavailable   503  tenants_unavailable   retryable
      BudgetUnavailable    503  budget_unavailable    retryable
      RecordsUnavailable   503  records_unavailable   retryable
      TooManyBytes         503  too_many_bytes        retryable
      UpstreamTimedOut     504  upstream_timeout      retryable

`code` is the contract, `message` is prose. A subclass sets its four class-level facts and nothing else.
`details` are plain JSON values shown beside the error; they never hold a key, a prompt or a token.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import msgspec

Detail = str | int | float | bool | None

FaultCode = Literal["unknown_member", "missing_member", "repeated_member", "wrong_type", "wrong_value"]


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong with a body: where (a JSON pointer, RFC 6901; empty for all of it), what kind of mistake,
    and in words."""

    pointer: str
    code: FaultCode
    message: str


FAULTS_MAX = 50
"""Told of one body: more than a person mends before he tries again."""


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
        faults: Sequence[Fault] = (),
    ) -> None:
        super().__init__(message)
        assert retry_after_ms is None or self.is_retryable, "only a retryable refusal names a delay"
        self.message = message
        self.param = param
        self.details: Mapping[str, Detail] = details or {}
        self.retry_after_ms = retry_after_ms
        self.faults: Sequence[Fault] = faults[:FAULTS_MAX]

    @property
    def is_for_good(self) -> bool:
        """Asking again is no use. An answer that was cut while nobody could be asked for more money was cut by an
        outage, and that passes."""
        return not self.is_retryable and self.details.get("cause") != BudgetUnavailable.code


class Unauthenticated(Refusal):
    """The token is missing, malformed, unknown or disabled; which of these it is stays with us."""

    status, type, code = 401, "authentication_error", "invalid_token"


class ProviderKeyMissing(Refusal):
    """Neither the caller nor the Worker has a key for this provider."""

    status, type, code = 401, "authentication_error", "provider_key_missing"


class NotPermitted(Refusal):
    """The token is good but its role may not do this, or it is for other web pages than this comes from."""

    status, type, code = 403, "permission_error", "not_permitted"


class GrantRefused(Refusal):
    """The role may do this, but not give so much, or take that away."""

    status, type, code = 403, "permission_error", "grant_refused"


class TenantSuspended(Refusal):
    """Whoever runs the deployment lets nobody of this tenant in."""

    status, type, code = 403, "permission_error", "tenant_suspended"


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


class AnswerCut(Refusal):
    """There is no more money for an answer that has begun: it was paid for as far as it came, and asking again pays
    anew. Only ever rendered mid-stream."""

    status, type, code = 402, "budget_error", "answer_cut"


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


class SessionRequired(Refusal):
    """The tenant's configuration or its operator has every call that costs money name its session."""

    status, type, code = 400, "invalid_request_error", "session_required"


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


class StateConflict(Refusal):
    """What is to be changed is in a state that forbids it."""

    status, type, code = 409, "invalid_request_error", "state_conflict"


class TooManyOfThem(Refusal):
    """There are as many as there may be."""

    status, type, code = 409, "invalid_request_error", "too_many"


class AlreadyExists(Refusal):
    """What is to be made is there already, perhaps by somebody else."""

    status, type, code = 409, "invalid_request_error", "already_exists"


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
    """The request body is compressed in a way that nobody here can undo, so it cannot be judged."""

    status, type, code = 415, "invalid_request_error", "unsupported_encoding"


class UnsupportedMediaType(Refusal):
    """The request says that its body is something else than JSON."""

    status, type, code = 415, "invalid_request_error", "unsupported_media_type"


class UpstreamUnreachable(Refusal):
    """The provider could not be reached, or the connection was lost before it answered."""

    status, type, code, is_retryable = 502, "upstream_error", "upstream_unreachable", True


class AlreadyUsed(Refusal):
    """The name that a request was given, so that it may be repeated, is another request's."""

    status, type, code = 422, "invalid_request_error", "idempotency_key_reused"


class UnreadableAnswer(Refusal):
    """The provider answered, and may bill it, but the answer broke off or makes no sense. The same once more would be
    billed once more. No official client tries a 424 again by itself; google-genai would a 502, whatever its headers."""

    status, type, code = 424, "upstream_error", "unreadable_answer"


class HttpOnly(Refusal):
    """The connection would leave HTTP, where nothing can be metered. Codex asks over HTTP at once after a 426."""

    status, type, code = 426, "invalid_request_error", "http_only"


class UpstreamTimedOut(Refusal):
    """The provider did not begin to answer in time."""

    status, type, code, is_retryable = 504, "upstream_error", "upstream_timeout", True


class UpstreamTruncated(Refusal):
    """The provider's stream broke off before its proper end. Only ever rendered mid-stream."""

    status, type, code, is_retryable = 502, "upstream_error", "upstream_truncated", True


class BudgetUnavailable(Refusal):
    """The ledger cannot be reached and the outage allowance is spent, or the tenant fails closed."""

    status, type, code, is_retryable = 503, "unavailable_error", "budget_unavailable", True


class RecordsUnavailable(Refusal):
    """The database of records is not set up, or does not answer as it should; the message says what to do about it."""

    status, type, code, is_retryable = 503, "unavailable_error", "records_unavailable", True


class TooManyBytes(Refusal):
    """The request bodies on their way through this isolate leave no room for this one just now."""

    status, type, code, is_retryable = 503, "unavailable_error", "too_many_bytes", True


class TenantsUnavailable(Refusal):
    """The store of tenants cannot be read, and neither this isolate nor the static map knows the token or what its
    tenant may do."""

    status, type, code, is_retryable = 503, "unavailable_error", "tenants_unavailable", True


class InvalidConfiguration(Refusal):
    """The tenant's configuration does not parse, and no earlier one is known here: what it limits cannot be guessed. Or
    a secret of the tenant's cannot be sealed or opened: no other one takes its place."""

    status, type, code, is_retryable = 503, "unavailable_error", "invalid_configuration", True


class InternalError(Refusal):
    """A fault of ours. The request id leads an operator to the log line."""

    status, type, code, is_retryable = 500, "internal_error", "internal_error", True
