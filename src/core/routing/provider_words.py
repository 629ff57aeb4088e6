"""A provider's error as its body says it, in whatever shape: what is compared with the table of failures.

OpenAI, Groq and Anthropic write an object with `error`, Google too, in a list of one on its OpenAI-style endpoint; xAI
writes its text into `error` itself and a sentence into `code`; an event of the Responses API has the members beside its
type, or within `response`. The rule easy to break: only what the provider itself says is read. What a model wrote
(`failed_generation`) or a caller sent must decide nothing, so a message counts by its beginning.
"""

from dataclasses import dataclass

from core.wire.json_depth import is_too_deep
from core.wire.json_members import NO_MEMBERS, Members, members_of

ERROR_BYTES_MAX = 256 * 1024
"""A longer one is a page of something else."""

MESSAGE_CHARACTERS_READ = 600
CODE_CHARACTERS_MAX = 64
MARKS_MAX = 32

_EVENT_TYPES = frozenset({"error", "response.failed"})
"""Of events that are errors: names of the event, not of what went wrong."""


@dataclass(frozen=True, slots=True)
class ProviderWords:
    """`marks` are all the names that the error goes by, in small letters: types, codes, statuses, reasons, quotas.
    `message` is in small letters, and as long as is looked at."""

    marks: frozenset[str] = frozenset()
    message: str = ""
    code: str | None = None
    """Its most telling name, as it stands there."""
    status: int | None = None
    """The status that it states in itself."""
    details: tuple[Members, ...] = ()
    is_page: bool = False
    """HTML in place of JSON."""


NO_WORDS = ProviderWords()


def words_of(body: bytes) -> ProviderWords:
    """What an error's body, or the data of an event that is an error, says."""
    text = body.strip()
    if text.startswith(b"<"):
        return ProviderWords(is_page=True)
    document = document_of(text)
    if document is NO_MEMBERS:
        return NO_WORDS
    return _words(error_in(document), document)


def document_of(body: bytes) -> Members:
    """The object that a body is, or the only one of its list; `NO_MEMBERS` where it is none."""
    text = body.strip()
    if len(text) > ERROR_BYTES_MAX or is_too_deep(text):
        return NO_MEMBERS
    if text.startswith(b"[") and text.endswith(b"]"):
        text = text[1:-1]
    return members_of(text)


def error_in(document: Members) -> Members:
    """The members of the error, wherever it stands."""
    for error in (document.inner("error"), document.inner("response").inner("error")):
        if any(error.has(name) for name in ("message", "code", "type", "status")):
            return error
    return document


def _words(error: Members, document: Members) -> ProviderWords:
    details = tuple(error.each("details")[:MARKS_MAX])
    names = [error.word("code"), error.word("type"), error.word("status")]
    names = [name for name in names if name and name not in _EVENT_TYPES]
    message = error.word("message") or error.word("error") or document.word("message")
    told = [name for name in names if not name.isdecimal()]
    return ProviderWords(
        marks=frozenset([name.lower() for name in (*names, *_reasons(details))]),
        message=message[:MESSAGE_CHARACTERS_READ].lower(),
        code=told[0][:CODE_CHARACTERS_MAX] if told else None,
        status=error.count("status_code", "code"),
        details=details,
    )


def _reasons(details: tuple[Members, ...]) -> list[str]:
    """Google's finer names: the reason, and the quotas that were exceeded."""
    reasons = [detail.word("reason") for detail in details]
    quotas = [each.word("quotaId") for detail in details for each in detail.each("violations")[:MARKS_MAX]]
    return [name[:200] for name in (*reasons, *quotas) if name]
