"""Conversations in canonical form and answers, as far as chat completions can say them; and JSON of no sense."""

from base64 import b64encode

from hypothesis import strategies as st

from core.money.usage import Usage
from core.wire.translation.answer import Answer
from core.wire.translation.conversation import (
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

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz_0123456789", min_size=1, max_size=20)
IDS = st.text("abcdefXYZ_-0123456789", min_size=1, max_size=40)
BASE64 = st.binary(min_size=1, max_size=30).map(lambda data: b64encode(data).decode())
ADDRESSES = NAMES.map(lambda name: f"https://example.com/{name}.png")
SCHEMAS = st.dictionaries(NAMES, st.one_of(WORDS, st.booleans(), st.lists(WORDS, max_size=2)), min_size=1, max_size=3)
ARGUMENTS = st.sampled_from(["{}", '{"city":"Paris"}', '{ "a": [1, {"b": null}] }'])
UNIT = st.none() | st.floats(0, 2)

TEXTS = st.builds(Text, text=WORDS)
DETAILS = st.sampled_from([None, "low", "high"])
IMAGES = st.one_of(
    st.builds(Image, media_type=st.sampled_from(["image/png", "image/webp"]), data=BASE64, detail=DETAILS),
    st.builds(Image, url=ADDRESSES, detail=DETAILS),
)
DOCUMENTS = st.builds(Document, media_type=st.just("application/pdf"), data=BASE64, name=NAMES)
CONTENT = st.one_of(TEXTS, IMAGES, DOCUMENTS)
RESULTS = st.builds(ToolResult, call_id=IDS, parts=st.lists(TEXTS, max_size=3).map(tuple))
CALLS = st.builds(ToolCall, id=IDS, name=NAMES, arguments=ARGUMENTS)

USERS = st.tuples(st.lists(RESULTS, max_size=2), st.lists(CONTENT, max_size=3)).map(lambda two: [*two[0], *two[1]])
ASSISTANTS = st.tuples(st.lists(TEXTS, max_size=2), st.lists(CALLS, max_size=3)).map(lambda two: [*two[0], *two[1]])
TURNS = st.one_of(
    st.lists(TEXTS, min_size=1, max_size=3).map(lambda parts: Turn("system", tuple(parts))),
    USERS.filter(bool).map(lambda parts: Turn("user", tuple(parts))),
    ASSISTANTS.filter(bool).map(lambda parts: Turn("assistant", tuple(parts))),
)


def _without_neighbours(turns: list[Turn]) -> tuple[Turn, ...]:
    return tuple(turn for number, turn in enumerate(turns) if number == 0 or turns[number - 1].role != turn.role)


TOOLS = st.lists(
    st.builds(
        Tool, name=NAMES, description=st.none() | WORDS, schema=SCHEMAS, is_strict=st.sampled_from([None, True, False])
    ),
    min_size=1,
    max_size=3,
).map(tuple)
CHOICES = st.one_of(
    st.none(),
    st.builds(ToolChoice, mode=st.sampled_from(["auto", "none", "required"])),
    st.builds(ToolChoice, mode=st.just("named"), name=NAMES),
)
TOOLING = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"tools": TOOLS, "tool_choice": CHOICES, "is_parallel": st.none() | st.booleans()}),
)
FORMATS = st.one_of(
    st.none(),
    st.just(OutputFormat()),
    st.builds(
        OutputFormat, schema=SCHEMAS, name=NAMES, description=st.none() | WORDS, is_strict=st.none() | st.booleans()
    ),
)
EFFORTS = st.sampled_from(["none", "minimal", "low", "high", "xhigh", "max"])


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    is_streaming = draw(st.booleans())
    return Conversation(
        model=draw(NAMES),
        turns=_without_neighbours(draw(st.lists(TURNS, max_size=6))),
        is_streaming=is_streaming,
        wants_usage=is_streaming,
        **draw(TOOLING),
        output_tokens_max=draw(st.none() | st.integers(1, 10**6)),
        temperature=draw(UNIT),
        top_p=draw(UNIT),
        top_k=draw(st.none() | st.integers(1, 100)),
        frequency_penalty=draw(UNIT),
        presence_penalty=draw(UNIT),
        seed=draw(st.none() | st.integers(-(2**63), 2**63)),
        stop=tuple(draw(st.lists(WORDS, max_size=4))),
        format=draw(FORMATS),
        reasoning=draw(st.none() | st.builds(Reasoning, effort=EFFORTS)),
        verbosity=draw(st.sampled_from([None, "low", "high"])),
        user=draw(st.none() | NAMES),
        cache_key=draw(st.none() | NAMES),
    )


COUNTS = st.integers(0, 10**6)
USAGES = st.builds(
    Usage,
    input_tokens=COUNTS,
    cached_input_tokens=COUNTS,
    cache_write_5m_tokens=COUNTS,
    cache_write_1h_tokens=COUNTS,
    audio_input_tokens=COUNTS,
    cached_audio_input_tokens=COUNTS,
    image_input_tokens=COUNTS,
    video_input_tokens=COUNTS,
    output_tokens=COUNTS,
    reasoning_tokens=COUNTS,
    audio_output_tokens=COUNTS,
    image_output_tokens=COUNTS,
)
ANSWERS = st.builds(
    Answer,
    model=NAMES,
    parts=st.lists(st.one_of(TEXTS, st.builds(Thinking, text=WORDS), CALLS), max_size=5).map(tuple),
    stop=st.sampled_from(["end", "stop_sequence", "length", "refusal"]),
    usage=st.none() | USAGES,
)

JUNK = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-5, 2**70), st.floats(allow_nan=False, allow_infinity=False), WORDS
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)
"""What any member may be."""
