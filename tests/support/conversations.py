"""Conversations in canonical form, made up: such as callers have, every call with its result, every part that there is.

`CONVERSATIONS` use all that the form has; `SAYABLE_AS_MESSAGES` what the Messages API has a word for, so that they come
back from it as they were. `faults` says what is not canonical about a conversation, whoever made it.
"""

from base64 import b64encode
from itertools import count, pairwise

import msgspec
from hypothesis import strategies as st

from core.wire.translation.conversation import (
    AnyPart,
    Conversation,
    Document,
    Image,
    OutputFormat,
    Part,
    Reasoning,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(str.strip)
NAMES = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_]{0,19}", fullmatch=True)
BASE64 = st.binary(min_size=1, max_size=30).map(lambda data: b64encode(data).decode())
ADDRESSES = NAMES.map(lambda name: f"https://example.com/{name}")
ARGUMENTS = st.sampled_from(
    ["{}", '{"city":"Paris"}', '{ "a": [1, {"b": null}],\n "c": "é\\n" }', '{"n": 12345678901234567890.10}']
)

TYPES = st.sampled_from([{"type": "string"}, {"type": "integer"}, {"enum": ["a", "b"]}, {"type": ["number", "null"]}])
OBJECTS = st.dictionaries(NAMES, TYPES, max_size=3).map(
    lambda members: {"type": "object", "properties": members, "required": sorted(members)[:1]}
)
SCHEMAS = st.recursive(
    OBJECTS,
    lambda inner: st.dictionaries(
        NAMES, inner | inner.map(lambda each: {"type": "array", "items": each}), max_size=2
    ).map(lambda members: {"type": "object", "properties": members, "additionalProperties": False}),
    max_leaves=3,
)

# Parts ----------------------------------------------------------------------------------------------------

TEXTS = st.builds(Text, text=WORDS)
PLAIN_IMAGES = st.one_of(
    st.builds(Image, media_type=st.sampled_from(["image/png", "image/jpeg"]), data=BASE64),
    st.builds(Image, url=ADDRESSES),
)
IMAGES = st.builds(
    lambda image, detail: msgspec.structs.replace(image, detail=detail),
    PLAIN_IMAGES,
    st.sampled_from([None, "low", "high", "auto"]),
)
DOCUMENTS = st.one_of(
    st.builds(Document, media_type=st.just("application/pdf"), data=BASE64, name=st.none() | NAMES),
    st.builds(Document, media_type=st.just("text/plain"), text=WORDS, name=st.none() | NAMES),
    st.builds(Document, url=ADDRESSES, name=st.none() | NAMES),
)
SIGNED = st.builds(Thinking, text=WORDS | st.just(""), signature=NAMES, maker=st.just("anthropic"))
SEALED = st.builds(Thinking, sealed=BASE64, maker=st.just("anthropic"))
OTHERS_THINKING = st.one_of(
    st.builds(Thinking, text=WORDS),
    st.builds(Thinking, text=WORDS | st.just(""), sealed=BASE64, maker=st.just("openai")),
    st.builds(Thinking, text=WORDS, signature=BASE64, maker=st.just("gemini")),
)


class _Words(msgspec.Struct, frozen=True):
    """What parts a conversation may have, and whether the system may speak between two turns."""

    images: st.SearchStrategy[Image]
    thinking: st.SearchStrategy[Thinking]
    call_signatures: st.SearchStrategy[str | None]
    speaks_between: st.SearchStrategy[bool]


_ALL = _Words(IMAGES, SIGNED | SEALED | OTHERS_THINKING, st.none() | BASE64, st.booleans())
_OF_MESSAGES = _Words(PLAIN_IMAGES, SIGNED | SEALED, st.none(), st.just(False))

# Turns ----------------------------------------------------------------------------------------------------


@st.composite
def _turns(draw: st.DrawFn, words: _Words) -> tuple[Turn, ...]:
    """The system first or not at all; then user and assistant in turns, the user last, since Claude alone goes on from
    an assistant's words."""
    systems = st.lists(TEXTS, min_size=1, max_size=2).map(lambda parts: Turn("system", tuple(parts)))
    shown = TEXTS | words.images | DOCUMENTS
    turns = [draw(systems)] if draw(st.booleans()) else []
    numbers = count()
    turns.append(Turn("user", tuple(draw(st.lists(shown, min_size=1, max_size=3)))))
    for _ in range(draw(st.integers(0, 3))):
        parts, results = draw(_round(words, shown, numbers))
        turns.append(Turn("assistant", parts))
        least = 0 if results else 1
        said = tuple(draw(st.lists(shown, min_size=least, max_size=2)))
        if not results and draw(words.speaks_between):
            turns.append(draw(systems))
        turns.append(Turn("user", (*results, *said)))
    return tuple(turns)


@st.composite
def _round(
    draw: st.DrawFn, words: _Words, shown: st.SearchStrategy[Text | Image | Document], numbers: "count[int]"
) -> tuple[tuple[AnyPart, ...], tuple[ToolResult, ...]]:
    """What a model said, and what came of its calls: each id is of one call."""
    kinds = draw(st.lists(st.sampled_from(["text", "thinking", "call", "call"]), min_size=1, max_size=4))
    parts: list[AnyPart] = []
    results = []
    for kind in kinds:
        match kind:
            case "text":
                parts.append(draw(TEXTS))
            case "thinking":
                parts.append(draw(words.thinking))
            case "call":
                call_id, signature = f"call_{next(numbers)}", draw(words.call_signatures)
                parts.append(ToolCall(id=call_id, name=draw(NAMES), arguments=draw(ARGUMENTS), signature=signature))
                results.append(draw(_results(call_id, shown)))
    return tuple(parts), tuple(draw(st.permutations(results)))


def _results(call_id: str, shown: st.SearchStrategy[Text | Image | Document]) -> st.SearchStrategy[ToolResult]:
    """One that failed says why."""
    given_parts = st.lists(shown, max_size=3).map(tuple)
    return st.builds(
        lambda parts, is_error: ToolResult(call_id=call_id, parts=parts, is_error=is_error and bool(parts)),
        given_parts,
        st.booleans(),
    )


# What is asked for ----------------------------------------------------------------------------------------

TOOLS = st.lists(
    st.builds(
        Tool, name=NAMES, description=st.none() | WORDS, schema=SCHEMAS, is_strict=st.sampled_from([None, True, False])
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda tool: tool.name,
).map(tuple)


@st.composite
def _tooling(draw: st.DrawFn) -> dict[str, object]:
    """None, or some and a choice that fits them. In a choice of none, and without any, nothing is said of how many."""
    if draw(st.booleans()):
        return {}
    tools = draw(TOOLS)
    choice = draw(
        st.none()
        | st.builds(ToolChoice, mode=st.sampled_from(["auto", "none", "required"]))
        | st.builds(ToolChoice, mode=st.just("named"), name=st.sampled_from([tool.name for tool in tools]))
    )
    is_open = choice is not None and choice.mode != "none"
    return {
        "tools": tools,
        "tool_choice": choice,
        "is_parallel": draw(st.sampled_from([None, True, False])) if is_open else None,
    }


SHOWN = st.sampled_from([None, True, False])
LEVELS = st.sampled_from(["low", "medium", "high", "xhigh", "max"])
CLAUDE_S_REASONING = st.one_of(
    st.none(),
    st.just(Reasoning(effort="none")),
    st.builds(Reasoning, effort=LEVELS),
    st.builds(Reasoning, effort=st.none() | LEVELS, budget_tokens=st.integers(1_024, 60_000), is_shown=SHOWN),
    st.builds(Reasoning, effort=st.none() | LEVELS, is_adaptive=st.just(True), is_shown=SHOWN),
)
REASONING = CLAUDE_S_REASONING | st.builds(Reasoning, effort=st.just("minimal") | LEVELS, is_shown=SHOWN)
FORMATS = st.one_of(
    st.just(OutputFormat()),
    st.builds(OutputFormat, schema=SCHEMAS, name=NAMES, description=st.none() | WORDS, is_strict=SHOWN),
)
UNIT = st.none() | st.floats(0, 1)
STOPS = st.lists(WORDS, max_size=3, unique=True).map(tuple)


@st.composite
def _conversations(draw: st.DrawFn) -> Conversation:
    return Conversation(
        model=draw(NAMES),
        turns=draw(_turns(_ALL)),
        is_streaming=draw(st.booleans()),
        wants_usage=draw(st.booleans()),
        **draw(_tooling()),  # type: ignore[arg-type]
        output_tokens_max=draw(st.none() | st.integers(1, 100_000)),
        temperature=draw(st.none() | st.floats(0, 2)),
        top_p=draw(UNIT),
        top_k=draw(st.none() | st.integers(1, 100)),
        frequency_penalty=draw(UNIT),
        presence_penalty=draw(UNIT),
        seed=draw(st.none() | st.integers(0, 2**31)),
        stop=draw(STOPS),
        format=draw(st.none() | FORMATS),
        reasoning=draw(REASONING),
        verbosity=draw(st.sampled_from([None, "low", "medium", "high"])),
        user=draw(st.none() | NAMES),
        cache_key=draw(st.none() | NAMES),
    )


@st.composite
def _sayable_as_messages(draw: st.DrawFn) -> Conversation:
    return Conversation(
        model=draw(NAMES),
        turns=draw(_turns(_OF_MESSAGES)),
        is_streaming=draw(st.booleans()),
        wants_usage=True,
        **draw(_tooling()),  # type: ignore[arg-type]
        output_tokens_max=draw(st.integers(1, 100_000)),
        temperature=draw(UNIT),
        top_p=draw(UNIT),
        top_k=draw(st.none() | st.integers(1, 100)),
        stop=draw(STOPS),
        format=draw(st.none() | st.builds(OutputFormat, schema=SCHEMAS)),
        reasoning=draw(CLAUDE_S_REASONING),
        user=draw(st.none() | NAMES),
    )


CONVERSATIONS = _conversations()
SAYABLE_AS_MESSAGES = _sayable_as_messages()

# The form -------------------------------------------------------------------------------------------------

_MAY_SAY: dict[str, tuple[type[Part], ...]] = {
    "system": (Text,),
    "user": (Text, Image, Document, ToolResult),
    "assistant": (Text, Thinking, ToolCall),
}


def faults(conversation: Conversation) -> list[str]:
    """What is not canonical about it, in words; nothing where all is well. Whether calls and results belong together is
    no matter of form."""
    turns = conversation.turns
    found = [f"two turns of {one.role} in a row" for one, other in pairwise(turns) if one.role == other.role]
    for turn in turns:
        found += [] if turn.parts else [f"a turn of {turn.role} without parts"]
        found += [
            f"{type(part).__name__} of {turn.role}" for part in turn.parts if not isinstance(part, _MAY_SAY[turn.role])
        ]
        order = [not isinstance(part, ToolResult) for part in turn.parts]
        found += [] if order == sorted(order) else ["a result after something else"]
        found += [fault for part in turn.parts for fault in _part_faults(part)]
    choice = conversation.tool_choice
    if choice is not None and (choice.mode == "named") != bool(choice.name):
        found.append("a choice with a name that is not named, or the other way round")
    return found


def _part_faults(part: AnyPart) -> list[str]:
    match part:
        case Text(text=""):
            return ["an empty text"]
        case Image(data=data, url=url, media_type=media_type):
            return _source_faults("picture", [data, url], has_type=bool(media_type) or not data)
        case Document(data=data, url=url, text=text, media_type=media_type):
            return _source_faults("document", [data, url, text], has_type=bool(media_type) or bool(url))
        case Thinking(text="", signature=None, sealed=None):
            return ["thinking that says nothing"]
        case Thinking(signature=signature, sealed=sealed, maker=maker) if bool(maker) != bool(signature or sealed):
            return ["a signature or a seal of nobody, or a maker of neither"]
        case ToolCall(arguments=arguments):
            return [] if _is_object(arguments) else ["arguments that are no object"]
        case ToolResult(parts=parts):
            return [fault for each in parts for fault in _part_faults(each)]
    return []


def _source_faults(kind: str, sources: list[str], *, has_type: bool) -> list[str]:
    given_sources = sum(map(bool, sources))
    return ([] if given_sources == 1 else [f"a {kind} of {given_sources} sources"]) + (
        [] if has_type else [f"a {kind} without its type"]
    )


def _is_object(text: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (msgspec.DecodeError, UnicodeError):
        return False
