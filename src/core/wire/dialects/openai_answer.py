"""What the answers of OpenAI's dialects say of themselves, and how many searches they tell of."""

from dataclasses import replace

from core.wire.dialects.openai_usage import read_openai_usage
from core.wire.facts import AnswerFacts
from core.wire.json_members import Members, answer_members, error_code_in

_UNBILLED_ACTIONS = frozenset({"open_page", "find_in_page", "find"})
"""What a web search call may do besides searching."""


def read_openai_answer(body: bytes) -> AnswerFacts:
    """The facts of a whole answer. Raises `InvalidAnswer`."""
    answer = answer_members(body)
    choices = answer.each("choices")
    usage = read_openai_usage(answer.raw("usage")) or read_openai_usage(answer.inner("x_groq").raw("usage"))
    if usage is not None and not usage.web_search_calls and (searches := _billed_searches(answer, choices)):
        usage = replace(usage, web_search_calls=searches)
    return AnswerFacts(
        usage,
        model=answer.word("model") or None,
        service_tier=answer.word("service_tier") or None,
        finish_reason=(choices[0].word("finish_reason") if choices else answer.word("status")) or None,
        answer_id=answer.word("id") or None,
        conversation_id=answer.inner("conversation").word("id") or None,
        error_code=error_code_in(answer, "code", "type"),
    )


def _billed_searches(answer: Members, choices: list[Members]) -> int:
    """Responses count their searches, or list them; looking at a page found earlier costs nothing. A chat answer shows
    no more than that there was one."""
    told = answer.inner("tool_usage").inner("web_search").count("num_requests")
    if told is not None:
        return told
    if answer.raw("output"):
        calls = [item for item in answer.each("output") if item.word("type") == "web_search_call"]
        return sum(is_billed_search(call.inner("action").word("type")) for call in calls)
    is_searcher = "-search" in answer.word("model")
    return int(is_searcher or any(_cites(choice.inner("message")) for choice in choices))


def is_billed_search(action: str) -> bool:
    """Whether a web search call with this action costs a search; one that names none does."""
    return action not in _UNBILLED_ACTIONS


def _cites(message: Members) -> bool:
    return any(each.word("type") == "url_citation" for each in message.each("annotations"))
