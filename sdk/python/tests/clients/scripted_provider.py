"""A provider that answers in OpenAI's and Anthropic's words, and an AgentWatch that takes reports: one server, one journal."""

import gzip
import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CHUNKS = [
    *(
        {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
        for text in ("once ", "upon ", "a time")
    ),
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
]
CHAT_USAGE = {"prompt_tokens": 30, "completion_tokens": 4, "total_tokens": 34}
MESSAGE_EVENTS = [
    {"type": "message_start", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-answered", "content": [], "stop_reason": None,
        "stop_sequence": None, "usage": {"input_tokens": 30, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}} for text in ("once ", "upon ")),
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 4}},
    {"type": "message_stop"},
]  # fmt: skip
WHOLE = {
    "chat/completions": {
        "id": "c_1", "object": "chat.completion", "created": 1, "model": "gpt-answered", "usage": CHAT_USAGE,
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": '{"a": 1}'}}]},
    "completions": {
        "id": "c_1", "object": "text_completion", "created": 1, "model": "gpt-answered", "usage": CHAT_USAGE,
        "choices": [{"index": 0, "finish_reason": "stop", "text": "once", "logprobs": None}]},
    "responses": {
        "id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-answered", "status": "completed", "output": [],
        "usage": {"input_tokens": 30, "output_tokens": 4, "total_tokens": 34}},
    "embeddings": {
        "object": "list", "model": "gpt-answered", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
        "usage": {"prompt_tokens": 30, "total_tokens": 30}},
    "messages": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-answered", "stop_reason": "end_turn",
        "stop_sequence": None, "content": [{"type": "text", "text": "once"}], "usage": {"input_tokens": 30, "output_tokens": 4}},
}  # fmt: skip


@dataclass
class Journal:
    """What was asked, in order; `statuses` are answered first, `check` and `hold` by AgentWatch."""

    requests: list[tuple[str, str, bytes, dict[str, str]]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    refusal: Any = None
    check: dict[str, Any] = field(default_factory=lambda: {"exceeded": False, "spent_usd": 0, "limit_usd": None})
    hold_status: int = 200
    hold: dict[str, Any] = field(default_factory=lambda: {"output_tokens_max": None})

    def calls(self) -> list[tuple[str, str, bytes, dict[str, str]]]:
        return [each for each in self.requests if not each[1].startswith(("/v1/", "/healthz"))]

    def asked(self, path: str) -> list[bytes]:
        return [body for _, where, body, _ in self.requests if where.startswith(path)]

    def reports(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for _, path, body, headers in self.requests:
            if path == "/v1/ingest":
                document = json.loads(gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body)
                found += document.get("reports", [document])
        return found


class Provider(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    journal: Journal

    def do_GET(self) -> None:
        self.note(b"")
        self.whole(
            200, self.journal.check if self.path.startswith("/v1/budget-check") else {"object": "list", "data": []}
        )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"] or 0))
        self.note(body)
        path = self.path.partition("?")[0]
        if path == "/v1/ingest":
            return self.whole(200, {"accepted": 1, "refused": []})
        if path == "/v1/holds":
            return self.whole(self.journal.hold_status, {"hold_id": json.loads(body)["hold_id"], **self.journal.hold})
        if self.journal.refusal is not None:
            return self.whole(402, self.journal.refusal, {"x-should-retry": "false"})
        if self.journal.statuses and (status := self.journal.statuses.pop(0)) != 200:
            return self.whole(status, {"error": {"message": "no", "type": "server_error"}}, {"retry-after-ms": "1"})
        document = json.loads(body)
        kind = next((name for name in sorted(WHOLE, key=len, reverse=True) if path.endswith(name)), None)
        if kind is None:
            return self.whole(200, {"id": "x", "object": "x"})
        return self.stream(kind, document) if document.get("stream") else self.whole(200, WHOLE[kind])

    def note(self, body: bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.journal.requests.append((self.command, self.path, body, headers))

    def stream(self, kind: str, document: Any) -> None:
        if kind == "messages":
            lines = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in MESSAGE_EVENTS]
        elif kind == "responses":
            done = {"type": "response.completed", "sequence_number": 2, "response": WHOLE["responses"]}
            delta = {"type": "response.output_text.delta", "sequence_number": 1, "item_id": "i", "output_index": 0,
                     "content_index": 0, "delta": "once", "logprobs": []}  # fmt: skip
            lines = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in (delta, done)]
        else:
            frame = {"id": "c_1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-answered"}
            chunks = [{**frame, **chunk} for chunk in CHUNKS]
            if (document.get("stream_options") or {}).get("include_usage"):
                chunks.append({**frame, "choices": [], "usage": CHAT_USAGE})
            lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks] + ["data: [DONE]\n\n"]
        self.answer(200, "text/event-stream", "".join(lines).encode())

    def whole(self, status: int, document: Any, headers: Any = None) -> None:
        self.answer(status, "application/json", json.dumps(document).encode(), headers)

    def answer(self, status: int, kind: str, body: bytes, headers: Any = None) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def served(journal: Journal) -> ThreadingHTTPServer:
    handler = type("Handler", (Provider,), {"journal": journal})
    return ThreadingHTTPServer(("127.0.0.1", 0), handler)
