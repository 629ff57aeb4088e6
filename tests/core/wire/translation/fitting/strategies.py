"""Conversations in any state that a reader may leave them in, and in some that none should."""

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
from core.wire.translation.fitting.target import Target, target_of

IDS = st.sampled_from(["", "call_0", "call_1", "functions.Bash:0", "x" * 53, "toolu_01", "é", "call 1"])
NAMES = st.sampled_from(["Bash", "mcp.server/read", "n" * 70, "n" * 71, "9lives", "", "Read", "_x"])
WORDS = st.sampled_from(["", " ", "\n", "Hello", "Give me JSON", "Bye "])

texts = st.builds(Text, text=WORDS)
images = st.one_of(
    st.builds(Image, media_type=st.just("image/png"), data=st.just("aGk=")),
    st.builds(Image, url=st.just("https://example.com/a.png")),
)
documents = st.one_of(
    st.builds(Document, media_type=st.just("text/plain"), text=st.just("words")),
    st.builds(Document, media_type=st.just("application/pdf"), data=st.just("aGk=")),
)
thinking = st.builds(
    Thinking,
    text=WORDS,
    signature=st.sampled_from([None, "sig", "agentwatch-unsigned"]),
    sealed=st.sampled_from([None, "seal"]),
    maker=st.sampled_from([None, "anthropic", "openai", "gemini"]),
)
calls = st.builds(
    ToolCall,
    id=IDS,
    name=NAMES,
    arguments=st.sampled_from(["", "{}", '{"a": 1}', '{"a":', "[1]", "7", "  ", "[" * 200]),
    signature=st.sampled_from([None, None, "sig"]),
)
results = st.builds(
    ToolResult,
    call_id=IDS,
    parts=st.lists(st.one_of(texts, texts, images), max_size=2).map(tuple),
    is_error=st.booleans(),
)


def _turns(with_media: bool) -> st.SearchStrategy[Turn]:
    said = st.one_of(texts, results, images, documents) if with_media else st.one_of(texts, results)
    return st.one_of(
        st.builds(Turn, st.just("system"), st.lists(texts, max_size=2).map(tuple)),
        st.builds(Turn, st.just("user"), st.lists(said, max_size=4).map(tuple)),
        st.builds(
            Turn, st.just("assistant"), st.lists(st.one_of(texts, calls, calls, thinking), max_size=4).map(tuple)
        ),
    )


_numbers = st.one_of(st.none(), st.floats(min_value=0, max_value=2))
_schemas = st.sampled_from([
    {"type": "object", "properties": {"a": {"type": "string"}}},
    {"type": "object", "properties": {"a": {"type": "object", "properties": {}}}, "additionalProperties": False},
])  # fmt: skip


@st.composite
def conversations(draw: st.DrawFn, with_media: bool = True) -> Conversation:
    turns = draw(st.lists(_turns(with_media), max_size=8))
    tools = draw(st.lists(NAMES, max_size=3, unique=True))
    return Conversation(
        model="asked",
        turns=(Turn("user", (Text(text="Begin"),)), *turns, *draw(st.sampled_from([(), (Turn("user", (Text(text="Go on"),)),)]))),
        tools=tuple(Tool(name=name, schema=draw(_schemas), is_strict=draw(st.sampled_from([None, True, False]))) for name in tools),
        tool_choice=draw(st.one_of(st.none(), st.builds(ToolChoice, mode=st.sampled_from(["auto", "none", "required"])))),
        is_parallel=draw(st.sampled_from([None, True, False])),
        output_tokens_max=draw(st.sampled_from([None, 1, 1_000, 4_096, 64_000])),
        temperature=draw(_numbers),
        top_p=draw(_numbers),
        top_k=draw(st.sampled_from([None, 40])),
        frequency_penalty=draw(_numbers),
        presence_penalty=draw(_numbers),
        seed=draw(st.sampled_from([None, 7])),
        stop=draw(st.sampled_from([(), (), ("END",), ("",), (" ",)])),
        format=draw(st.one_of(st.none(), st.none(), st.builds(OutputFormat, schema=st.one_of(st.none(), _schemas)))),
        reasoning=draw(st.one_of(st.none(), reasonings)),
        verbosity=draw(st.sampled_from([None, "low"])),
        user=draw(st.sampled_from([None, "u" * 20, "u" * 150])),
        cache_key=draw(st.sampled_from([None, "key"])),
    )  # fmt: skip


reasonings = st.builds(
    Reasoning,
    effort=st.sampled_from([None, "none", "minimal", "low", "medium", "high", "xhigh", "max"]),
    budget_tokens=st.sampled_from([None, 0, 500, 1_024, 10_000, 31_999]),
    is_adaptive=st.booleans(),
    is_shown=st.sampled_from([None, True, False]),
)

MODELS = [
    ("openai", "gpt-4o"), ("openai", "gpt-3.5-turbo"), ("openai", "o3"), ("openai", "gpt-5"), ("openai", "gpt-5.1"),
    ("openai", "gpt-5.4"), ("openai", "gpt-5.6-sol"), ("openai", "gpt-5.4-pro"), ("openai", "unheard-of"),
    ("anthropic", "claude-3-haiku"), ("anthropic", "claude-sonnet-4-5"), ("anthropic", "claude-opus-4-6"),
    ("anthropic", "claude-opus-4-7"), ("anthropic", "claude-opus-5"), ("anthropic", "claude-fable-5"),
    ("anthropic", "claude-fable-5-1"), ("anthropic", "claude-unheard-of"),
    ("gemini", "gemini-2.5-flash"), ("gemini", "gemini-2.5-pro"), ("gemini", "gemini-3.1-pro-preview"),
    ("groq", "openai/gpt-oss-120b"), ("groq", "llama-3.3-70b-versatile"), ("groq", "qwen/qwen3-32b"),
    ("xai", "grok-3"), ("xai", "grok-4.3"), ("xai", "grok-4.5"), ("xai", "grok-4.20-multi-agent"),
]  # fmt: skip


@st.composite
def targets(draw: st.DrawFn) -> Target:
    provider, model = draw(st.sampled_from(MODELS))
    spoken = draw(st.sampled_from(["openai_chat", "openai_responses", "anthropic_messages"]))
    return target_of(provider, model, spoken=spoken, asks=None)
