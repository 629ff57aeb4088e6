"""A whole chat answer read: what the first choice says, why it ended, what it used.

An odd member is not there. The rules easy to break: an error may stand in an answer with status 200, and is not an
empty answer; and a call that the model got wrong, which Gemini tells in the reason of the end, is an error too.
"""

from core.wire.dialects.openai_usage import read_openai_usage
from core.wire.json_body import InvalidAnswer
from core.wire.json_members import Members, answer_members
from core.wire.translation.answer import Answer, Stop
from core.wire.translation.call_arguments import object_text
from core.wire.translation.call_ids import free_id
from core.wire.translation.conversation import Text, Thinking, ToolCall

_STOPS: dict[str, Stop] = {
    "stop": "end",
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "refusal",
    "refusal": "refusal",
    "safety": "refusal",
    "recitation": "refusal",
    "blocklist": "refusal",
    "prohibited_content": "refusal",
    "spii": "refusal",
}
"""In small letters, Gemini's own words among them; of "content_filter: SAFETY" the first word counts."""

_WRONG_CALLS = ("malformed_function_call", "unexpected_tool_call")


def read_answer(body: bytes) -> Answer:
    """Raises `InvalidAnswer`."""
    answer = answer_members(body)
    choices = answer.each("choices")
    if not choices:
        raise InvalidAnswer("the answer is an error" if answer.has("error") else "the answer has no choice")
    choice = next((each for each in choices if each.count("index") in (0, None)), choices[0])
    message, reason = choice.inner("message"), choice.word("finish_reason")
    if is_wrong_call(reason):
        raise InvalidAnswer("the model made a tool call that cannot be read")
    refusal = message.word("refusal")
    calls = _calls(message)
    thought = message.word("reasoning_content") or message.word("reasoning")
    parts = (Thinking(text=thought), Text(text=_text_of(message)), Text(text=refusal))
    usage = read_openai_usage(answer.raw("usage")) or read_openai_usage(answer.inner("x_groq").raw("usage"))
    return Answer(
        model=answer.word("model"),
        parts=(*(part for part in parts if part.text), *calls),
        stop=stop_of(reason, has_refused=bool(refusal), has_called=bool(calls)),
        usage=usage,
    )


def stop_of(reason: str, *, has_refused: bool, has_called: bool) -> Stop:
    """A call that was made is to be run, whatever reason is given for a regular end; where none was made there is
    nothing to run."""
    stop = _STOPS.get(reason.partition(":")[0].strip().lower(), "end")
    if stop in ("length", "refusal"):
        return stop
    if has_refused:
        return "refusal"
    return "tool_calls" if has_called else "end"


def is_wrong_call(reason: str) -> bool:
    return any(word in reason.lower() for word in _WRONG_CALLS)


def signature_in(call: Members) -> str | None:
    """Gemini's, as its OpenAI-style endpoint writes it."""
    return call.inner("extra_content").inner("google").word("thought_signature") or None


def _text_of(message: Members) -> str:
    """A text, or (of some who imitate the API) a list of parts."""
    return message.word("content") or "".join(part.word("text", "refusal") for part in message.each("content"))


def _calls(message: Members) -> list[ToolCall]:
    calls: list[ToolCall] = []
    taken: set[str] = set()
    for call in message.each("tool_calls"):
        said = call.inner("function", "custom")
        if name := said.word("name"):
            id = free_id(call.word("id"), taken, len(taken))
            taken.add(id)
            arguments = object_text(_arguments_in(said))
            calls.append(ToolCall(id=id, name=name, arguments=arguments, signature=signature_in(call)))
    legacy = message.inner("function_call")
    if not calls and (name := legacy.word("name")):
        calls.append(ToolCall(id=free_id("", (), 0), name=name, arguments=object_text(_arguments_in(legacy))))
    return calls


def _arguments_in(said: Members) -> str:
    """As they stand there: a text, or (of some who imitate the API) the object itself."""
    if text := said.word("arguments") or said.word("input"):
        return text
    raw = bytes(said.raw("arguments"))
    return raw.decode("utf-8", "replace") if raw.lstrip().startswith(b"{") else ""
