"""What the answers of OpenAI's dialects say of themselves, and how many searches they tell of."""

from dataclasses import replace

import msgspec

from core.calls import AnswerFacts
from core.dialects.json_body import decode_answer
from core.dialects.media import NOTHING, text_in, view, views
from core.dialects.openai_usage import read_openai_usage

UNBILLED_ACTIONS = frozenset({"open_page", "find_in_page", "find"})
"""What a web search call may do besides searching."""


class _Answer(msgspec.Struct):
    model: msgspec.Raw = NOTHING
    usage: msgspec.Raw = NOTHING
    x_groq: msgspec.Raw = NOTHING
    service_tier: msgspec.Raw = NOTHING
    choices: msgspec.Raw = NOTHING
    status: msgspec.Raw = NOTHING
    output: msgspec.Raw = NOTHING
    tool_usage: msgspec.Raw = NOTHING


class _XGroq(msgspec.Struct):
    usage: msgspec.Raw = NOTHING


class _Choice(msgspec.Struct):
    finish_reason: msgspec.Raw = NOTHING
    message: msgspec.Raw = NOTHING


class _AnswerMessage(msgspec.Struct):
    annotations: msgspec.Raw = NOTHING


class _OutputItem(msgspec.Struct):
    type: msgspec.Raw = NOTHING
    action: msgspec.Raw = NOTHING


class _Kind(msgspec.Struct):
    type: msgspec.Raw = NOTHING


class _WebSearches(msgspec.Struct):
    num_requests: int


class _ToolUsage(msgspec.Struct):
    web_search: _WebSearches


def read_openai_answer(body: bytes) -> AnswerFacts:
    answer = decode_answer(body, _Answer)
    groq = view(answer.x_groq, _XGroq)
    usage = read_openai_usage(answer.usage) or (read_openai_usage(groq.usage) if groq else None)
    choices = views(answer.choices, _Choice)
    if usage is not None:
        searches = max(usage.web_search_calls, _billed_searches(answer, choices))
        usage = replace(usage, web_search_calls=searches)
    return AnswerFacts(
        usage,
        model=text_in(answer.model) or None,
        service_tier=text_in(answer.service_tier) or None,
        finish_reason=text_in(choices[0].finish_reason if choices else answer.status) or None,
    )


def _billed_searches(answer: _Answer, choices: list[_Choice]) -> int:
    """Responses count their searches, or list them; looking at a page found earlier costs nothing. A chat answer shows
    no more than that there was one."""
    told = view(answer.tool_usage, _ToolUsage)
    if told is not None:
        return max(0, told.web_search.num_requests)
    if answer.output:
        calls = [item for item in views(answer.output, _OutputItem) if text_in(item.type) == "web_search_call"]
        return sum(_is_search(view(call.action, _Kind)) for call in calls)
    is_searcher = "-search" in text_in(answer.model)
    return int(is_searcher or any(_cites(view(choice.message, _AnswerMessage)) for choice in choices))


def _is_search(action: _Kind | None) -> bool:
    return action is None or text_in(action.type) not in UNBILLED_ACTIONS


def _cites(message: _AnswerMessage | None) -> bool:
    if message is None:
        return False
    return any(text_in(each.type) == "url_citation" for each in views(message.annotations, _Kind))
