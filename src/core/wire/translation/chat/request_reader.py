"""A chat request read: what its members ask for. Messages, tools and how hard to think have readers of their own.

Members that change what the answer is, or how many there are, are `beyond`: those of searches, of sound, of several
answers, of what tokens may be. Members about storing, billing, routing or speeding up the call are `dropped`, and so
is what nobody has heard of. The rule easy to break: a member that only says what is so anyway is neither.
"""

import msgspec

from core.wire.json_text import InvalidJSON, read_json
from core.wire.translation.chat.request_parts.messages_reader import read_turns
from core.wire.translation.chat.request_parts.reasoning_reader import MEMBERS as _THINKING
from core.wire.translation.chat.request_parts.reasoning_reader import read_reasoning
from core.wire.translation.chat.request_parts.tools_reader import read_format, read_tool_choice, read_tools
from core.wire.translation.conversation import Conversation, Untranslatable
from core.wire.translation.unsaid import (
    Members,
    Unsaid,
    count_or_none,
    flag_or_none,
    members_in,
    text_in,
    text_or_none,
)

_READ = (
    "model", "messages", "stream", "stream_options", "tools", "tool_choice", "parallel_tool_calls", "functions",
    "function_call", "max_completion_tokens", "max_tokens", "temperature", "top_p", "top_k", "frequency_penalty",
    "presence_penalty", "seed", "stop", "response_format", "verbosity", "user", "safety_identifier",
    "prompt_cache_key", *_THINKING,
)  # fmt: skip
_BEYOND = (
    "audio", "logit_bias", "logprobs", "top_logprobs", "deferred", "moderation", "system",
    "documents", "compound_custom", "search_settings", "include_domains", "exclude_domains",
)  # fmt: skip
"""Where they are more than null, empty or off. Groq's are the last five; `system` is Anthropic's."""

_SEARCH = "web_search_options"
"""Searches even where it is empty: being there is what asks for it."""

_SAYING_NOTHING: dict[str, tuple[object, ...]] = {
    "n": (1,),
    "store": (False,),
    "service_tier": ("auto", "default"),
    "modalities": (["text"],),
}
"""What these members are without being named, or what every answer is that comes from elsewhere."""

_NUMBER_MAX = 1_000


def read_request(body: bytes, *, path: str = "") -> Conversation:
    """The conversation of a body that its dialect has accepted. Raises `Untranslatable`."""
    members = _members_of(body)
    unsaid = Unsaid()
    tools_of_today = members.get("tools")
    tools = read_tools(tools_of_today, members.get("functions"), unsaid)
    choice = read_tool_choice(members.get("tool_choice"), unsaid)
    options = members_in(members.get("stream_options"))
    conversation = Conversation(
        model=text_in(members, "model"),
        turns=read_turns(members.get("messages"), unsaid),
        is_streaming=flag_or_none(members, "stream") is True,
        wants_usage=flag_or_none(options, "include_usage") is True,
        tools=tools,
        tool_choice=choice or read_tool_choice(members.get("function_call"), unsaid),
        is_parallel=False if members.get("functions") else flag_or_none(members, "parallel_tool_calls"),
        output_tokens_max=_ceiling(members),
        temperature=_number(members, "temperature"),
        top_p=_number(members, "top_p"),
        top_k=count_or_none(members, "top_k"),
        frequency_penalty=_number(members, "frequency_penalty"),
        presence_penalty=_number(members, "presence_penalty"),
        seed=count_or_none(members, "seed"),
        stop=_stop(members.get("stop")),
        format=read_format(members_in(members.get("response_format")), unsaid),
        reasoning=read_reasoning(members, unsaid),
        verbosity=text_or_none(members, "verbosity"),
        user=text_or_none(members, "safety_identifier") or text_or_none(members, "user") or None,
        cache_key=text_or_none(members, "prompt_cache_key"),
        calls_as_functions=bool(members.get("functions")) and not tools_of_today,
    )
    _note_the_rest(members, options, unsaid)
    return msgspec.structs.replace(conversation, beyond=unsaid.beyond, dropped=unsaid.dropped)


def _members_of(body: bytes) -> Members:
    try:
        return read_json(body, dict[str, object])
    except InvalidJSON:
        raise Untranslatable("body") from None


def _note_the_rest(members: Members, options: Members, unsaid: Unsaid) -> None:
    for name in _BEYOND:
        if members.get(name):
            unsaid.is_beyond(name)
    if members.get(_SEARCH) is not None:
        unsaid.is_beyond(_SEARCH)
    if (count_or_none(members, "n") or 1) > 1:
        unsaid.is_beyond("n")
    if members.get("modalities") not in (None, [], ["text"]):
        unsaid.is_beyond("modalities")
    search = members_in(members.get("search_parameters"))
    if search and search.get("mode") != "off":
        unsaid.is_beyond("search_parameters")
    unsaid.rest_is_dropped(options, ("include_usage",), within="stream_options")
    silent = [name for name, values in _SAYING_NOTHING.items() if members.get(name) in values]
    unsaid.rest_is_dropped(members, (*_READ, *_BEYOND, *unsaid.beyond, *silent, _SEARCH, "search_parameters"))


def _ceiling(members: Members) -> int | None:
    """Where both are given the money was held for the higher one."""
    given = [count_or_none(members, name) for name in ("max_completion_tokens", "max_tokens")]
    return max((tokens for tokens in given if tokens is not None), default=None)


def _number(members: Members, name: str) -> float | None:
    value = members.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _NUMBER_MAX:
        raise Untranslatable("body")
    return float(value)


def _stop(said: object) -> tuple[str, ...]:
    listed = [said] if isinstance(said, str) else said or []
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise Untranslatable("body")
    return tuple(each for each in listed if each)
