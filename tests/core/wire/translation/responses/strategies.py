"""Conversations in canonical form, as far as the Responses API can say them; and pieces of its streams."""

from base64 import b64encode

from hypothesis import strategies as st

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
SCHEMAS = st.dictionaries(NAMES, st.one_of(WORDS, st.booleans(), st.lists(WORDS, max_size=2)), max_size=3)
ARGUMENTS = st.sampled_from(["{}", '{"city":"Paris"}', '{ "a": [1, {"b": null}] }'])

TEXTS = st.builds(Text, text=WORDS)
DETAILS = st.sampled_from([None, "low", "high"])
IMAGES = st.one_of(
    st.builds(Image, media_type=st.sampled_from(["image/png", "image/webp"]), data=BASE64, detail=DETAILS),
    st.builds(Image, url=ADDRESSES, detail=DETAILS),
)
DOCUMENTS = st.one_of(
    st.builds(Document, media_type=st.just("application/pdf"), data=BASE64, name=st.just("a.pdf")),
    st.builds(Document, media_type=st.just("text/plain"), text=WORDS, name=st.just("notes.txt")),
    st.builds(Document, url=ADDRESSES),
)
CONTENT = st.one_of(TEXTS, IMAGES, DOCUMENTS)
RESULTS = st.builds(ToolResult, call_id=IDS, parts=st.lists(CONTENT, max_size=3).map(tuple))
CALLS = st.builds(ToolCall, id=IDS, name=NAMES, arguments=ARGUMENTS)
THOUGHTS = st.builds(Thinking, text=st.one_of(st.just(""), WORDS), sealed=IDS, maker=st.just("openai"))


def turns_of(role: str, parts: st.SearchStrategy[object]) -> st.SearchStrategy[Turn]:
    return st.lists(parts, min_size=1, max_size=4).map(lambda listed: Turn(role, tuple(listed)))


USERS = st.tuples(st.lists(RESULTS, max_size=2), st.lists(CONTENT, max_size=3)).map(lambda two: [*two[0], *two[1]])
TURNS = st.one_of(
    turns_of("system", TEXTS),
    USERS.filter(bool).map(lambda parts: Turn("user", tuple(parts))),
    turns_of("assistant", st.one_of(TEXTS, CALLS, THOUGHTS)),
)


def _without_neighbours(turns: list[Turn]) -> tuple[Turn, ...]:
    return tuple(turn for number, turn in enumerate(turns) if number == 0 or turns[number - 1].role != turn.role)


TOOLS = st.lists(
    st.builds(Tool, name=NAMES, description=st.none() | WORDS, schema=SCHEMAS, is_strict=st.booleans()),
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
REASONING = st.one_of(
    st.none(),
    st.builds(
        Reasoning, effort=st.sampled_from(["none", "minimal", "high", "max"]), is_shown=st.sampled_from([None, True])
    ),
)


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    unit = st.none() | st.floats(0, 2)
    return Conversation(
        model=draw(NAMES),
        turns=_without_neighbours(draw(st.lists(TURNS, max_size=6))),
        is_streaming=draw(st.booleans()),
        wants_usage=True,
        **draw(TOOLING),
        output_tokens_max=draw(st.none() | st.integers(1, 10**6)),
        temperature=draw(unit),
        top_p=draw(unit),
        format=draw(FORMATS),
        reasoning=draw(REASONING),
        verbosity=draw(st.sampled_from([None, "low", "high"])),
        user=draw(st.none() | NAMES),
        cache_key=draw(st.none() | NAMES),
    )


JUNK = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-5, 2**70), st.floats(allow_nan=False, allow_infinity=False), WORDS
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)
