"""Calls as agents make them, and what each really costs: the hold is compared with that.

A call is a body in its provider's dialect beside what the model reads of it: its text, counted with a real vocabulary
(`real_counts`), and its media, by the provider's published formula. The rest is what such calls usually come to: three
searches, some hundred tokens of answer. Nothing is taken to be cached, so the true costs are themselves high.
"""

import base64
import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from statistics import median

from core.call.plan import CallPlan, plan_call
from core.money.price_list import TABLE
from core.money.pricing import cost_nanousd
from core.money.usage import Usage
from core.routing.paths import UpstreamPath
from core.tenant.policy import DEFAULT_POLICY
from tests.calibration import texts
from tests.support import media_files as files

NOW_MS = 1_795_000_000_000
FRAME_TOKENS = 4
"""Around each message (OpenAI's cookbook)."""
TOOL_PROMPT_TOKENS = {"anthropic": 350}
"""What a provider adds where there are tools."""
FOUND_TOKENS = {"anthropic": 7_000, "xai": 4_000, "openai": 5_000, "gemini": 100}
"""What one search puts into the prompt: of published bills of short calls."""

Json = dict[str, object]


@dataclass(frozen=True)
class Call:
    kind: str
    provider: str
    model: str
    dialect: str
    body: Json
    read: str
    """All that the model reads as text."""
    messages: int
    unseen_tokens: int = 0
    """Media, thoughts that travel encrypted, what tools add, earlier answers."""
    unseen_kind: str = "input_tokens"
    searches: int = 0
    output_tokens: int = 500
    remembered_tokens: int = 0
    """Of an earlier answer that the Ledger remembers."""

    @property
    def path(self) -> str:
        return f"v1beta/models/{self.model}:generateContent" if self.dialect == "gemini" else self.dialect

    def plan(self) -> CallPlan:
        upstream = UpstreamPath(self.path, "metered", self.dialect)  # type: ignore[arg-type]
        plan, _ = plan_call(self.provider, upstream, json.dumps(self.body).encode(), DEFAULT_POLICY, NOW_MS, TABLE)
        return plan.with_remembered(self.remembered_tokens) if self.remembered_tokens else plan


@dataclass(frozen=True)
class Turn:
    """One step of an agent: it thought, called a tool and got a result."""

    thought: str
    tool: str
    arguments: Json
    result: str

    @property
    def opaque(self) -> str:
        """The thought as providers hand it out, encrypted: longer by a third and a head."""
        return base64.b64encode(self.thought.encode() + bytes(96)).decode()


@cache
def _pool(name: str) -> tuple[str, ...]:
    return tuple(text for kind, text in texts.samples() if kind == name and len(text) >= 800)


def _turns(count: int) -> list[Turn]:
    kinds = ("python", "json_pretty", "shell", "markdown", "stack_trace", "english")
    return [
        Turn(
            thought=_pool("english")[index % 19][:700],
            tool=f"read_file_{index % 7}",
            arguments={"path": f"src/module_{index}/service.py", "start_line": index * 17, "query": "def settle"},
            result=_pool(kinds[index % 6])[index % 11],
        )
        for index in range(count)
    ]


def _tools(count: int) -> list[Json]:
    """As JSON Schema, under the names that OpenAI gives to its parts."""
    notes = _pool("english")
    return [
        {
            "name": f"read_file_{index}",
            "description": notes[index % 19][index : index + 300],
            "parameters": {
                "type": "object",
                "properties": {
                    name: {"type": "string", "description": notes[(index + place) % 19][place * 90 : place * 90 + 90]}
                    for place, name in enumerate(("path", "start_line", "query", "case_sensitive", "format"))
                },
                "required": ["path"],
            },
        }
        for index in range(count)
    ]


SYSTEM = "You are a careful engineer. " * 3


def _question() -> str:
    return "Here is what I have found so far. " + _pool("english")[3][:800] + "\nWhat should be done next?"


def _texts_of(turns: list[Turn], tools: list[Json], *, with_thoughts: bool) -> str:
    parts = [SYSTEM, _question(), *(json.dumps(tool, separators=(",", ":")) for tool in tools)]
    for turn in turns:
        parts += [turn.thought] * with_thoughts + [turn.tool, json.dumps(turn.arguments), turn.result]
    return "\n".join(parts)


# Bodies, by dialect --------------------------------------------------------------------------------------------------


def _chat(model: str, content: object, turns: list[Turn], tools: list[Json]) -> Json:
    messages: list[Json] = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": content}]
    for index, turn in enumerate(turns):
        function = {"name": turn.tool, "arguments": json.dumps(turn.arguments)}
        call = {"id": f"call_{index:024}", "type": "function", "function": function}
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": f"call_{index:024}", "content": turn.result})
    body: Json = {"model": model, "messages": messages}
    return body | ({"tools": [{"type": "function", "function": tool} for tool in tools]} if tools else {})


def _responses(model: str, content: object, turns: list[Turn], tools: list[Json]) -> Json:
    items: list[Json] = [{"role": "user", "content": content}]
    for index, turn in enumerate(turns):
        name = f"call_{index:024}"
        items.append({"type": "reasoning", "id": f"rs_{index:048}", "summary": [], "encrypted_content": turn.opaque})
        call = {"type": "function_call", "call_id": name, "name": turn.tool, "arguments": json.dumps(turn.arguments)}
        items.append(call)
        items.append({"type": "function_call_output", "call_id": name, "output": turn.result})
    body: Json = {"model": model, "instructions": SYSTEM, "input": items, "store": False}
    return body | ({"tools": [{"type": "function", **tool} for tool in tools]} if tools else {})


def _messages(model: str, content: object, turns: list[Turn], tools: list[Json]) -> Json:
    messages: list[Json] = [{"role": "user", "content": content}]
    for index, turn in enumerate(turns):
        name = f"toolu_{index:020}"
        thinking = {"type": "thinking", "thinking": turn.thought[:200], "signature": turn.opaque}
        use = {"type": "tool_use", "id": name, "name": turn.tool, "input": turn.arguments}
        messages.append({"role": "assistant", "content": [thinking, use]})
        result = {"type": "tool_result", "tool_use_id": name, "content": turn.result}
        messages.append({"role": "user", "content": [result]})
    body: Json = {"model": model, "max_tokens": 4_096, "system": SYSTEM, "messages": messages}
    own = [{"name": t["name"], "description": t["description"], "input_schema": t["parameters"]} for t in tools]
    return body | ({"tools": own} if own else {})


def _gemini(model: str, content: object, turns: list[Turn], tools: list[Json]) -> Json:
    parts = content if isinstance(content, list) else [{"text": content}]
    contents: list[Json] = [{"role": "user", "parts": parts}]
    for turn in turns:
        call = {"functionCall": {"name": turn.tool, "args": turn.arguments}, "thoughtSignature": turn.opaque}
        contents.append({"role": "model", "parts": [call]})
        answer = {"functionResponse": {"name": turn.tool, "response": {"result": turn.result}}}
        contents.append({"role": "user", "parts": [answer]})
    body: Json = {"systemInstruction": {"parts": [{"text": SYSTEM}]}, "contents": contents}
    return body | ({"tools": [{"functionDeclarations": tools}]} if tools else {})


_BODIES: dict[str, Callable[[str, object, list[Turn], list[Json]], Json]] = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "anthropic_messages": _messages,
    "gemini": _gemini,
}
_SHOWS_NO_THOUGHTS = ("openai_chat",)
"""Neither sends them nor has the model read them again."""


def _call(kind: str, who: str, *, turns: int = 0, tools: int = 0, content: object = None, more: Json | None = None,
          read: str = "", unseen_tokens: int = 0, **rest: object) -> Call:  # fmt: skip
    provider, dialect, model = who.split(" ")
    steps, schemas = _turns(turns), _tools(tools)
    body = _BODIES[dialect](model, content or _question(), steps, schemas) | (more or {})
    if tools:
        unseen_tokens += TOOL_PROMPT_TOKENS.get(provider, 0)
    text = _texts_of(steps, schemas, with_thoughts=dialect not in _SHOWS_NO_THOUGHTS)
    return Call(kind, provider, model, dialect, body, text + "\n" + read, 2 + 2 * turns, unseen_tokens, **rest)  # type: ignore[arg-type]


# Media ---------------------------------------------------------------------------------------------------------------


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _pdf(pages: int) -> tuple[str, str]:
    """A document of full pages, and its text."""
    text = "".join(letter for letter in _pool("english")[7][:2_600] if letter.isalnum() or letter in " .,")
    shown = b"BT /F1 11 Tf " + b" ".join(b"(%b) Tj" % text[at : at + 90].encode() for at in range(0, len(text), 90))
    return _base64(files.pages_pdf(pages, shown + b" ET")), (text + "\n") * pages


def _document(dialect: str, data: str) -> list[Json]:
    question: dict[str, Json] = {
        "openai_chat": {"type": "text", "text": _question()},
        "openai_responses": {"type": "input_text", "text": _question()},
        "anthropic_messages": {"type": "text", "text": _question()},
        "gemini": {"text": _question()},
    }
    url = f"data:application/pdf;base64,{data}"
    source = {"type": "base64", "media_type": "application/pdf", "data": data}
    document: dict[str, Json] = {
        "openai_chat": {"type": "file", "file": {"filename": "a.pdf", "file_data": url}},
        "openai_responses": {"type": "input_file", "filename": "a.pdf", "file_data": url},
        "anthropic_messages": {"type": "document", "source": source},
        "gemini": {"inlineData": {"mimeType": "application/pdf", "data": data}},
    }
    return [document[dialect], question[dialect]]


def _picture(dialect: str, width: int, height: int) -> Json:
    data = _base64(files.png(width, height) + bytes(900))
    url = f"data:image/png;base64,{data}"
    picture: dict[str, Json] = {
        "openai_chat": {"type": "image_url", "image_url": {"url": url}},
        "openai_responses": {"type": "input_image", "image_url": url},
        "anthropic_messages": {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": data},
        },
        "gemini": {"inlineData": {"mimeType": "image/png", "data": data}},
    }
    return picture[dialect]


def _film(seconds: int) -> str:
    sound = files.track(handler=b"soun", codec=b"mp4a", timescale=16_000, units=seconds * 16_000, number=2,
                        description=files.esds(), times=(seconds * 16_000 // 1_024, 1_024),
                        samples=seconds * 16_000 // 1_024)  # fmt: skip
    picture = files.track(units=seconds * 1_000, times=(seconds * 25, 40), samples=seconds * 25)
    return _base64(files.mp4(picture, sound, units=seconds * 1_000))


# Who is called -------------------------------------------------------------------------------------------------------

CHAT_4O = "openai openai_chat gpt-4o"
GPT = "openai openai_responses gpt-5.4"
SOL = "openai openai_responses gpt-6.1-sol"
ASTRA = "openai openai_responses gpt-6-astra"
SONNET = "anthropic anthropic_messages claude-sonnet-4-5"
SONNET_5 = "anthropic anthropic_messages claude-sonnet-5-5"
HAIKU = "anthropic anthropic_messages claude-haiku-4-5"
OPUS = "anthropic anthropic_messages claude-opus-5"
FLASH = "gemini gemini gemini-2.5-flash"
GEMINI = "gemini gemini gemini-3.1-pro-preview"
GROK = "xai openai_responses grok-4.6"
GROK_CHAT = "xai openai_chat grok-4.6"
LLAMA = "groq openai_chat llama-3.3-70b-versatile"
OSS = "groq openai_chat openai/gpt-oss-120b"

EVERYBODY = (CHAT_4O, GPT, ASTRA, SONNET, OPUS, FLASH, GEMINI, GROK, LLAMA, OSS)

_PDF_PAGE = {CHAT_4O: 765, GPT: 1_000, SONNET: 1_600, HAIKU: 1_600, SONNET_5: 2_600, FLASH: 258, GEMINI: 560}
"""Of a Letter page's picture, beside its text."""

_SCREEN = {CHAT_4O: 1_105, GPT: 1_024, ASTRA: 1_229, SONNET: 1_366, OPUS: 1_366, FLASH: 1_032, GEMINI: 1_120,
           GROK: 1_792}  # fmt: skip
"""Of 1,280 x 800: tiles of 170, patches of 32 px (1.2 tokens each), a pixel in 750, tiles of 258, at most 1,792."""


@cache
def calls() -> tuple[Call, ...]:
    return tuple(_calls())


def _calls() -> Iterator[Call]:
    for who in EVERYBODY:
        yield _call("short chat", who, output_tokens=200)
    for who in (CHAT_4O, GPT, SONNET, SONNET_5, GEMINI, GROK_CHAT, OSS):
        yield _call("agent, 5 turns, 20 tools", who, turns=5, tools=20, output_tokens=300)
    for who in (GPT, SOL, SONNET, SONNET_5, FLASH, GROK, OSS):
        yield _call("agent, 30 turns, 40 tools", who, turns=30, tools=40, output_tokens=300)
    for who in (GPT, SOL, SONNET_5, HAIKU, GEMINI):
        yield _call("agent, 60 turns, 60 tools", who, turns=60, tools=60, output_tokens=300)
    yield from _searching()
    yield from _documents()
    yield from _media()
    yield from _continued()
    yield from _others()


def _searching() -> Iterator[Call]:
    for who, searches in ((SONNET, 3), (HAIKU, 2)):
        for uses in ({}, {"max_uses": 3}):
            tool = {"type": "web_search_20250305", "name": "web_search", **uses}
            kind = "web search, bounded" if uses else "web search"
            yield _call(kind, who, more={"tools": [tool]}, searches=searches, unseen_tokens=1_000)
    for who, bound in ((GPT, {}), (GPT, {"max_tool_calls": 3}), (GROK, {})):
        kind = "web search, bounded" if bound else "web search"
        more = {"tools": [{"type": "web_search"}], **bound}
        yield _call(kind, who, more=more, searches=2, unseen_tokens=300)
    for who in (FLASH, GEMINI):
        yield _call("web search", who, more={"tools": [{"googleSearch": {}}]}, searches=2)


def _documents() -> Iterator[Call]:
    for pages in (2, 10):
        data, text = _pdf(pages)
        for who, tokens in _PDF_PAGE.items():
            dialect = who.split(" ")[1]
            read = text if dialect != "gemini" else ""
            yield _call(f"PDF of {pages} pages", who, content=_document(dialect, data), read=read,
                        unseen_tokens=pages * tokens, output_tokens=800)  # fmt: skip


def _media() -> Iterator[Call]:
    for count in (1, 10):
        for who, tokens in _SCREEN.items():
            dialect = who.split(" ")[1]
            content = [_document(dialect, "")[1], *([_picture(dialect, 1_280, 800)] * count)]
            kind = "picture" if count == 1 else f"{count} screenshots"
            yield _call(kind, who, content=content, unseen_tokens=count * tokens)
    sound = _base64(files.wav(60))
    spoken = {"type": "input_audio", "input_audio": {"data": sound, "format": "wav"}}
    inline = {"inlineData": {"mimeType": "audio/wav", "data": sound}}
    for who, part, rate in (("openai openai_chat gpt-audio", spoken, 10), (FLASH, inline, 32)):
        yield _call("a minute of sound", who, content=[_document(who.split(" ")[1], "")[1], part],
                    unseen_tokens=60 * rate, unseen_kind="audio_input_tokens")  # fmt: skip
    film = {"inlineData": {"mimeType": "video/mp4", "data": _film(20)}}
    for who in (FLASH, GEMINI):
        yield _call("20 s of film", who, content=[{"text": _question()}, film], unseen_tokens=20 * (258 + 32))


def _continued() -> Iterator[Call]:
    for who, earlier in ((GPT, 6_000), (SOL, 20_000), (GROK, 6_000)):
        for name in ("previous_response_id", "conversation"):
            id = "resp_1" if name == "previous_response_id" else "conv_1"
            yield _call("continued answer", who, more={name: id, "store": True}, unseen_tokens=earlier,
                        remembered_tokens=earlier)  # fmt: skip


def _others() -> Iterator[Call]:
    stored = {"type": "input_file", "file_id": "file-1"}
    content = [{"type": "input_text", "text": _question()}, stored]
    yield _call("stored file", SOL, content=content, unseen_tokens=12_000)
    uri = {"fileData": {"mimeType": "application/pdf", "fileUri": "https://example.com/a.pdf"}}
    yield _call("stored file", FLASH, content=[{"text": _question()}, uri], unseen_tokens=12_000)
    for who in ("openai openai_chat gpt-6", "openai openai_responses gpt-6", "gemini gemini gemini-4-pro"):
        yield _call("unlisted model", who)
    yield _call("free model", "gemini gemini gemma-4-31b-it")
    schema = _tools(1)[0]["parameters"]
    json_schema = {"name": "answer", "strict": True, "schema": schema}
    yield _call("structured output", CHAT_4O, read=json.dumps(schema),
                more={"response_format": {"type": "json_schema", "json_schema": json_schema}})  # fmt: skip
    text = _pool("python")[0]
    yield _call("prediction", CHAT_4O, more={"prediction": {"type": "content", "content": text}}, output_tokens=900)


# Holds against truth -------------------------------------------------------------------------------------------------


@dataclass
class Holds:
    """One kind of call: each least hold and the true cost, and how often what the input is held for is below it."""

    least_and_true: list[tuple[int, int]] = field(default_factory=list)
    low: int = 0

    def refused_falsely(self, left_nanousd: int) -> int:
        """How many of those that the money pays for are refused for it."""
        return sum(true <= left_nanousd < least for least, true in self.least_and_true)

    @property
    def ratios(self) -> list[float]:
        return [least / true for least, true in self.least_and_true if true]


def true_usage(call: Call, text_tokens: int) -> Usage:
    """What its provider would bill."""
    tokens = text_tokens + call.messages * FRAME_TOKENS
    counts = {"input_tokens": tokens, "cached_input_tokens": 0}
    counts[call.unseen_kind] = counts.get(call.unseen_kind, 0) + call.unseen_tokens
    found = FOUND_TOKENS.get(call.provider, 0)
    before = sum(counts.values())
    counts["input_tokens"] += call.searches * found
    if call.provider != "gemini":
        counts["cached_input_tokens"] += sum(before + turn * found for turn in range(call.searches))
    return Usage(**counts, output_tokens=call.output_tokens, web_search_calls=call.searches)


def _input_alone(call: Call, usage: Usage) -> Usage:
    """Without what was searched for, nor an answer."""
    found = call.searches * FOUND_TOKENS.get(call.provider, 0)
    return replace(
        usage, input_tokens=usage.input_tokens - found, cached_input_tokens=0, output_tokens=0, web_search_calls=0
    )


def read_tokens(call: Call, counts: dict[str, int]) -> int:
    """The text's tokens by the nearest public vocabulary. Claude's own is not; its makers say that from 4.7 on it takes
    up to 1.35 times as many as before."""
    if call.provider == "anthropic":
        is_newer = call.model in ("claude-opus-5", "claude-sonnet-5-5")
        return math.ceil(counts["claude_2"] * (1.35 if is_newer else 1.1))
    return counts["cl100k_base" if call.model.startswith("llama") else "o200k_base"]


def holds(counts: dict[str, list[int]]) -> dict[str, Holds]:
    """By kind of call; `counts` are those of the calls' texts, by vocabulary."""
    by_kind: dict[str, Holds] = defaultdict(Holds)
    for index, call in enumerate(calls()):
        plan = call.plan()
        text_tokens = read_tokens(call, {name: kept[index] for name, kept in counts.items()})
        usage = true_usage(call, text_tokens)
        true = 0 if plan.is_free else cost_nanousd(usage, plan.price)
        one = by_kind[call.kind]
        one.least_and_true.append((plan.costing.least_nanousd, true))
        one.low += plan.costing.prompt_nanousd < cost_nanousd(_input_alone(call, usage), plan.price)
    return by_kind


def holds_row(kind: str, one: Holds) -> str:
    """The row of one kind, as Markdown."""
    ratios = one.ratios or [1.0]
    refused = [one.refused_falsely(left) for left in (100_000_000, 1_000_000_000)]
    return (
        f"| {kind} | {len(one.least_and_true)} | {median(ratios):.1f} | {max(ratios):.1f} | {one.low} "
        f"| {refused[0]} | {refused[1]} |"
    )
