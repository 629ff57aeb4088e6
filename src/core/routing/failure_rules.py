"""The table by which a provider's answer becomes a kind of failure: one row per rule, and the first that fits counts.

A row fits a provider (or any), a status (or several), a name that the error goes by (any of its `marks`), and how its
message reads; what a row leaves open fits everything. New words of a provider are a new row here and a case in
`vectors/failures.json`.

The rule easy to break: the order. A status alone is the last thing to judge by, and rows that do (`401`, `403`, `429`)
stand below all that know better. Messages are searched in their first few hundred characters only, in small letters.
"""

import re
from dataclasses import dataclass
from typing import Literal

from core.routing.provider_words import ProviderWords

FailureKind = Literal[
    "provider", "rate", "empty_account", "verdict", "location", "key", "model", "too_large_for_key",
    "too_large_for_window", "bad_tool_call", "foreign_history", "bad_request", "empty_answer", "caller", "timeout",
    "network", "uncertain",
]  # fmt: skip

ANY = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """`statuses` are written `400 403`, with `4xx` for all of a hundred; `marks` are alternatives, in small letters;
    `says` is searched in the message."""

    kind: FailureKind
    providers: str = ANY
    statuses: str = ANY
    marks: str = ANY
    says: str = ANY
    is_page: bool = False
    is_ours: bool = False


RULES: tuple[Rule, ...] = (
    # By status alone: whatever the body is.
    Rule("provider", statuses="5xx 498 408 409 425 3xx"),
    Rule("caller", statuses="499"),
    # Verdicts on the prompt.
    Rule("verdict", statuses="4xx", marks="content_policy_violation content_filter moderation_blocked invalid_prompt"),
    Rule("verdict", "xai", "400 403", says="violates? (?:our |the )?usage guidelines|failed check: safety_check"),
    Rule("verdict", "anthropic", "400", says="content filtering policy"),
    Rule("verdict", "openai", "400 403", says="rejected as a result of our safety system|violating our usage policy"),
    Rule("verdict", "gemini", "400", says="(?:prompt|request|content) (?:was |is |has been )?blocked"),
    # Accounts without money, or past a limit that no waiting of minutes lifts. Only at OpenAI does the sentence about
    # the quota say so: Google writes it of limits per minute, too, and Groq's end in an address on billing.
    Rule("empty_account", statuses="402"),
    Rule("empty_account", statuses="4xx", marks="insufficient_quota billing_error billing_hard_limit_reached"),
    Rule("empty_account", statuses="4xx", marks="billing_not_active insufficient_credits billing_disabled"),
    Rule("empty_account", "openai", "429", says="^you exceeded your current quota"),
    Rule("empty_account", "anthropic", "4xx", says="^your credit balance is too low|reached your specified api usage"),
    Rule("empty_account", "xai", "400 403 429", says="have any credits|credits or licen[cs]es|monthly spending limit"),
    Rule("empty_account", "groq", "4xx", says="(?:spend|spending) limit"),
    Rule("empty_account", "gemini", "429", marks="*perday*"),
    Rule("empty_account", "gemini", "403 429", says="credits are depleted|monthly spending cap"),
    # Our egress: they refuse the place that the request came from, some by a page.
    Rule("location", statuses="451"),
    Rule("location", statuses="4xx", marks="unsupported_country_region_territory"),
    Rule("location", "gemini", "400 403", says="location is not supported|not available in your country"),
    Rule("location", "anthropic", "403", says="^request not allowed"),
    Rule("location", "groq", "403", says="check your network settings"),
    Rule("location", statuses="403", says="not (?:supported|available) in your (?:country|region)"),
    Rule("location", statuses="403", is_page=True),
    # Too large for what this key may send in a minute, not for the model.
    Rule("too_large_for_key", "groq openai", "413 429", says="^request too large.*per (?:min|day)"),
    Rule("too_large_for_key", "groq", "413", says="tokens per (?:minute|day)|\\btp[md]\\b"),
    Rule("too_large_for_key", "anthropic", "400 429", says="long context (?:requests|beta)"),
    # History that another provider, organisation or model made.
    Rule("foreign_history", statuses="400 404", marks="invalid_encrypted_content"),
    Rule("foreign_history", statuses="400", says="encrypted[ _]content.{0,80}could not be|thought[_ ]signature"),
    Rule("foreign_history", "anthropic", "400", says="signature.{0,40}thinking|redacted_thinking"),
    Rule("foreign_history", "anthropic", "400",
         says="must start with a thinking block|thinking.{0,160}cannot be modified"),
    Rule("foreign_history", "anthropic", "400", says="tool_use_id: string|tool_use\\.id: string"),
    Rule("foreign_history", "openai xai", "400 404", says="^item (?:with id )?'[^']{1,80}' (?:not found|of type)"),
    Rule("foreign_history", "openai xai", "400", says="expected an id that (?:begins|starts) with"),
    Rule("foreign_history", statuses="400", says="call_?id\\b.{0,40}(?:too long|pattern|invalid)"),
    Rule("foreign_history", statuses="400",
         says="(?:tool_calls|input)\\[\\d+\\]\\.id\\b.{0,40}(?:too long|pattern|invalid)"),
    # The model's own slip.
    Rule("bad_tool_call", statuses="4xx", marks="tool_use_failed json_validate_failed"),
    # Too long for the model.
    Rule("too_large_for_window", statuses="400 413", marks="context_length_exceeded request_too_large"),
    Rule("too_large_for_window", "openai", "400",
         says="^invalid '(?:messages|input)[^']*content[^']*': string too long"),
    Rule("too_large_for_window", "anthropic", "400",
         says="prompt is too long|exceeds? (?:the )?context (?:limit|window)"),
    Rule("too_large_for_window", "gemini", "400", says="token count.{0,40}exceeds|payload size exceeds"),
    Rule("too_large_for_window", statuses="400", says="maximum (?:prompt|context) length|exceeds the context window"),
    Rule("too_large_for_window", statuses="400", says="reduce the length of the messages"),
    Rule("too_large_for_window", statuses="413"),
    # Credentials.
    Rule("key", statuses="401"),
    Rule("key", statuses="4xx", marks="invalid_api_key api_key_invalid authentication_error account_deactivated"),
    Rule("key", statuses="4xx", marks="organization_restricted api_key_service_blocked service_disabled"),
    Rule("key", "gemini", "400 403", says="^api key (?:not valid|expired|not found)"),
    Rule("key", "xai", "400", says="^incorrect api key"),
    Rule("key", "anthropic", "400", says="^this organization has been disabled"),
    # A model that is not there, or not for this account. Of other things that are not there the caller knows.
    Rule("model", statuses="400 403 404", marks="model_not_found model_decommissioned model_not_available"),
    Rule("model", statuses="400 403 404", marks="model_permission_blocked_org model_permission_blocked_project"),
    Rule("bad_request", statuses="404", marks="unknown_url", is_ours=True),
    Rule("bad_request", statuses="404", says="^invalid url|^unknown request url", is_ours=True),
    Rule("bad_request", statuses="404", is_page=True, is_ours=True),
    Rule("bad_request", statuses="400 404", marks="previous_response_not_found"),
    Rule("bad_request", statuses="404", says="^(?:no such|previous response|vector store|container|file|assistant)\\b"),
    Rule("bad_request", "gemini", "403 404", says="cachedcontent|access the file"),
    Rule("model", statuses="404 410"),
    Rule("model", statuses="400 403",
         says="^(?:the )?(?:requested )?model [^ ]{1,128} (?:does not exist|(?:is|was) not found)"),
    Rule("model", statuses="400 403",
         says="^the model [^ ]{1,128} (?:has been|is) (?:decommissioned|deprecated|retired)"),
    Rule("model", statuses="400 403", says="^model not found|^invalid model id"),
    # By status alone.
    Rule("key", statuses="403"),
    Rule("rate", statuses="429"),
    # What the request has that they do not take: where it was translated, by us.
    Rule("bad_request", statuses="422", is_ours=True),
    Rule("bad_request", statuses="400",
         marks="unknown_parameter unsupported_parameter unsupported_value", is_ours=True),
    Rule("bad_request", statuses="400", marks="invalid_function_parameters string_above_max_length", is_ours=True),
    Rule("bad_request", statuses="400", says="extra inputs are not permitted|cannot find field", is_ours=True),
    Rule("bad_request", statuses="400",
         says="(?:unknown|unrecognized|unsupported) (?:name|field|parameter|value)", is_ours=True),
    Rule("bad_request", statuses="400", says="unrecognized request argument|additional ?properties", is_ours=True),
    Rule("bad_request", statuses="400",
         says="(?:is|are|was) (?:not |un)supported|not supported (?:on|by|with|for)", is_ours=True),
    Rule("bad_request", statuses="4xx"),
)  # fmt: skip

STATUSES_BY_MARK: dict[str, int] = {
    "invalid_request_error": 400, "invalid_argument": 400, "failed_precondition": 400, "out_of_range": 400,
    "authentication_error": 401, "unauthenticated": 401, "billing_error": 402,
    "permission_error": 403, "permission_denied": 403, "permission-denied": 403, "request_forbidden": 403,
    "forbidden": 403, "not_found_error": 404, "not_found": 404, "request_too_large": 413,
    "rate_limit_error": 429, "rate_limit_exceeded": 429, "insufficient_quota": 429, "resource_exhausted": 429,
    "cancelled": 499, "api_error": 500, "server_error": 500, "internal_server_error": 500, "internal": 500,
    "unknown": 500, "data_loss": 500, "unimplemented": 501, "unavailable": 503, "service_unavailable": 503,
    "deadline_exceeded": 504, "timeout_error": 504, "overloaded_error": 529, "engine_overloaded": 529,
    # Codes of requests, where the type says nothing.
    "context_length_exceeded": 400, "invalid_prompt": 400, "content_policy_violation": 400, "content_filter": 400,
    "invalid_encrypted_content": 400, "tool_use_failed": 400, "json_validate_failed": 400, "invalid_api_key": 401,
    "model_not_found": 404,
}  # fmt: skip
"""The status that an error stands for which comes in place of an answer, by any of its names."""


@dataclass(frozen=True, slots=True)
class _Test:
    """A row as it is asked."""

    row: Rule
    providers: frozenset[str]
    statuses: frozenset[str]
    marks: frozenset[str]
    parts: tuple[str, ...]
    says: re.Pattern[str] | None

    def fits(self, provider: str, status: int, words: ProviderWords) -> bool:
        if self.providers and provider not in self.providers:
            return False
        if self.statuses and self.statuses.isdisjoint((str(status), f"{status // 100}xx")):
            return False
        if self.row.is_page and not words.is_page:
            return False
        if (self.marks or self.parts) and not self._names(words.marks):
            return False
        return self.says is None or self.says.search(words.message) is not None

    def _names(self, marks: frozenset[str]) -> bool:
        return not self.marks.isdisjoint(marks) or any(part in mark for part in self.parts for mark in marks)


def _test(rule: Rule) -> _Test:
    marks = rule.marks.split()
    return _Test(
        rule,
        frozenset(rule.providers.split()),
        frozenset(rule.statuses.split()),
        frozenset([mark for mark in marks if "*" not in mark]),
        tuple([mark.strip("*") for mark in marks if "*" in mark]),
        re.compile(rule.says, re.DOTALL) if rule.says else None,
    )


_TESTS = tuple(_test(rule) for rule in RULES)


def kind_of(provider: str, status: int, words: ProviderWords) -> tuple[FailureKind, bool]:
    """The kind of an answer that is a failure, and whether it is our fault. What no row knows is the provider's."""
    for test in _TESTS:
        if test.fits(provider, status, words):
            return test.row.kind, test.row.is_ours
    return "provider", False


def status_of_words(words: ProviderWords) -> int:
    """By the number that it states, else by any of its names; what says neither is a fault of the provider's."""
    if words.status is not None and 400 <= words.status <= 599:
        return words.status
    return max([STATUSES_BY_MARK[mark] for mark in words.marks if mark in STATUSES_BY_MARK], default=500)
