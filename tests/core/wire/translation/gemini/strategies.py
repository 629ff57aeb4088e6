"""Conversations in canonical form, as far as Gemini's dialect can say them."""

import base64

import msgspec
from hypothesis import strategies as st

from core.wire.translation.conversation import (
    AnyPart,
    Conversation,
    Document,
    Image,
    OutputFormat,
    Reasoning,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)

WORDS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
NAMES = st.sampled_from(["get_weather", "Bash", "read.file", "q"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(WORDS, JSON, max_size=3)
DATA = st.binary(min_size=1, max_size=20).map(lambda data: base64.b64encode(data).decode())
TEXTS = st.builds(Text, text=WORDS)
IMAGES = st.builds(Image, media_type=st.sampled_from(["image/png", "image/webp"]), data=DATA)
DOCUMENTS = st.builds(
    Document, media_type=st.just("application/pdf"), data=DATA, name=st.none() | WORDS
) | st.builds(Document, media_type=st.just("text/plain"), text=WORDS, name=st.none() | WORDS)  # fmt: skip
THOUGHTS = st.builds(Thinking, text=WORDS) | st.builds(
    Thinking, text=WORDS, signature=st.just("c2lnbmVk"), maker=st.just("gemini")
)


@st.composite
def _answers(draw: st.DrawFn, calls_before: int) -> tuple[AnyPart, ...]:
    """An assistant's parts: neighbours are of different kinds, or signed; calls have the ids that the reader makes."""
    kinds = draw(st.lists(st.sampled_from(["text", "thought", "call"]), min_size=1, max_size=4))
    parts: list[AnyPart] = []
    calls = calls_before
    for kind in kinds:
        last = parts[-1] if parts else None
        if kind == "text" and not isinstance(last, Text):
            parts.append(draw(TEXTS))
        elif kind == "thought" and not isinstance(last, Thinking):
            parts.append(draw(THOUGHTS))
        elif kind == "call":
            arguments = msgspec.json.encode(draw(OBJECTS)).decode()
            signature = draw(st.none() | st.just("c2lnbmVk"))
            parts.append(ToolCall(id=f"call_{calls}", name=draw(NAMES), arguments=arguments, signature=signature))
            calls += 1
    return tuple(parts)


@st.composite
def _users(draw: st.DrawFn, calls: list[ToolCall]) -> tuple[AnyPart, ...]:
    results: list[AnyPart] = []
    for call in calls:
        text, others = draw(st.lists(TEXTS, max_size=1)), draw(st.lists(IMAGES, max_size=1))
        is_error = bool(text) and draw(st.booleans())
        results.append(ToolResult(call_id=call.id, parts=(*text, *others), is_error=is_error))
    said = draw(st.lists(TEXTS | IMAGES | DOCUMENTS, min_size=0 if results else 1, max_size=3))
    return (*results, *said)


@st.composite
def _turns(draw: st.DrawFn) -> tuple[Turn, ...]:
    system = draw(st.lists(st.lists(TEXTS, min_size=1, max_size=2), max_size=1))
    turns = [Turn("system", tuple(parts)) for parts in system]
    turns.append(Turn("user", draw(_users([]))))
    made = 0
    for _ in range(draw(st.integers(0, 3))):
        parts = draw(_answers(made))
        calls = [part for part in parts if isinstance(part, ToolCall)]
        made += len(calls)
        turns += [Turn("assistant", parts), Turn("user", draw(_users(calls)))]
    return tuple(turns)


SCHEMAS = st.sampled_from(
    [{"type": "object", "properties": {}}, {"type": "object", "properties": {"any_of": {"type": ["string", "null"]}}}]
)
TOOLS = st.lists(
    st.builds(Tool, name=NAMES, description=st.none() | WORDS, schema=SCHEMAS),
    max_size=3,
    unique_by=lambda tool: tool.name,
).map(tuple)
RATES = st.none() | st.floats(0, 2, allow_nan=False)
REASONING = st.none() | st.sampled_from(
    [Reasoning(effort="none"), Reasoning(is_adaptive=True, is_shown=True), Reasoning(budget_tokens=2_000)]
    + [Reasoning(effort=effort, is_shown=False) for effort in ("minimal", "low", "medium", "high", "xhigh")]
    + [Reasoning(is_shown=True)]
)  # fmt: skip


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    tools = draw(TOOLS)
    choices = [None, ToolChoice(), ToolChoice(mode="none"), ToolChoice(mode="required")]
    named = [ToolChoice(mode="named", name=tool.name) for tool in tools]
    return Conversation(
        model="gemini-3-pro",
        turns=draw(_turns()),
        is_streaming=draw(st.booleans()),
        tools=tools,
        tool_choice=draw(st.sampled_from(choices + named)) if tools else None,
        output_tokens_max=draw(st.none() | st.integers(1, 100_000)),
        temperature=draw(RATES),
        top_p=draw(RATES),
        top_k=draw(st.none() | st.integers(1, 100)),
        frequency_penalty=draw(RATES),
        presence_penalty=draw(RATES),
        seed=draw(st.none() | st.integers(0, 2**31)),
        stop=tuple(draw(st.lists(WORDS, max_size=2))),
        format=draw(st.none() | st.builds(OutputFormat, schema=st.none() | SCHEMAS)),
        reasoning=draw(REASONING),
    )
