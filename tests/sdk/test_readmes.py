"""The SDKs' pages: what they print runs as it stands, and their tables of options name what the SDKs take.

A block of code runs where the comment `<!-- runnable -->` stands before it; `<!-- runnable through AgentWatch -->` has
no provider's address but the real one. The rule easy to break: a block that runs and is reported by nobody says that
the page is wrong, so what came to AgentWatch is counted.
"""

import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from local.paths import NODE

ROOT = Path(__file__).resolve().parents[2]
PYTHON, TYPESCRIPT = ROOT / "sdk" / "python", ROOT / "sdk" / "typescript"
BLOCK = re.compile(r"<!-- (runnable[^>]*) -->\n```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ENTRIES = {"@agentwatch/sdk/openai": "openai", "@agentwatch/sdk/anthropic": "anthropic", "@agentwatch/sdk": "index"}

CHAT = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
}  # fmt: skip
EMBEDDINGS = {
    "object": "list", "model": "text-embedding-3-small", "usage": {"prompt_tokens": 1, "total_tokens": 1},
    "data": [{"object": "embedding", "index": 0, "embedding": "AACAPw=="}],
}  # fmt: skip
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5", "content": []}
MESSAGE_EVENTS = [
    {"type": "message_start", "message": {**MESSAGE, "usage": {"input_tokens": 9, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hello"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
    {"type": "message_stop"},
]


@dataclass
class Seen:
    """What came to the provider, through AgentWatch, and to AgentWatch as reports."""

    calls: list[str] = field(default_factory=list)
    proxied: list[str] = field(default_factory=list)
    reports: list[Any] = field(default_factory=list)


class Server(BaseHTTPRequestHandler):
    """Both providers and an AgentWatch. A budget of a cent is spent already."""

    protocol_version = "HTTP/1.1"
    seen: Seen

    def do_GET(self) -> None:
        limit = parse_qs(urlsplit(self.path).query).get("limit_usd")
        is_spent = limit == ["0.01"]
        self.answer({"exceeded": is_spent, "spent_usd": 0.02 if is_spent else 0, "limit_usd": 0.01 if is_spent else 5})

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["content-length"]))
        body = json.loads(gzip.decompress(sent) if self.headers["content-encoding"] == "gzip" else sent)
        if self.path == "/v1/holds":
            self.answer({"hold_id": body["hold_id"], "held_usd": 0.1, "expires_at_ms": 1, "output_tokens_max": None})
        elif self.path == "/v1/ingest":
            self.seen.reports += body.get("reports", [body])
            self.answer({"accepted": 1, "refused": []})
        else:
            (self.seen.proxied if "/proxy/" in self.path else self.seen.calls).append(self.path)
            self.provide(body)

    def provide(self, body: Any) -> None:
        if not body.get("stream"):
            return self.answer(CHAT if "messages" in body else EMBEDDINGS)
        events = "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in MESSAGE_EVENTS)
        return self.send("text/event-stream", events.encode())

    def answer(self, document: object) -> None:
        self.send("application/json", json.dumps(document).encode())

    def send(self, content_type: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, Seen]]:
    handler = type("Handler", (Server,), {"seen": Seen()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as made:
        Thread(target=made.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{made.server_port}", handler.seen
        made.shutdown()


def blocks(sdk: Path) -> list[Any]:
    """Every runnable block with its mark, named by the line it begins in."""
    text = (sdk / "README.md").read_text()
    found = BLOCK.finditer(text)
    return [pytest.param(each[1], each[3], id=f"line {text.count(chr(10), 0, each.start()) + 1}") for each in found]


def environment(url: str, mark: str) -> dict[str, str]:
    given = {"AGENTWATCH_BASE_URL": url, "AGENTWATCH_API_KEY": "aw_live_1", "NO_PROXY": "127.0.0.1"}
    given |= {"OPENAI_API_KEY": "sk-1", "ANTHROPIC_API_KEY": "sk-ant-1"}
    if mark == "runnable":
        given |= {"OPENAI_BASE_URL": f"{url}/v1", "ANTHROPIC_BASE_URL": url}
        # The provider's address must not look like AgentWatch's own.
        given["AGENTWATCH_BASE_URL"] = url.replace("127.0.0.1", "localhost")
    return {**os.environ, **given}


def check(ran: subprocess.CompletedProcess[str], seen: Seen, mark: str) -> None:
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    assert len(seen.reports) == len(seen.calls)
    assert all(report["outcome"] == "complete" for report in seen.reports)
    assert bool(seen.proxied) == ("through AgentWatch" in mark)


@pytest.mark.parametrize(("mark", "code"), blocks(PYTHON))
def test_a_block_of_the_python_sdks_page_runs(server, mark, code):
    url, seen = server
    path = os.pathsep.join([str(PYTHON / "src"), os.environ.get("PYTHONPATH", "")])

    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True, text=True, check=False, env={**environment(url, mark), "PYTHONPATH": path},
    )  # fmt: skip

    check(ran, seen, mark)


@pytest.mark.parametrize(("mark", "code"), blocks(TYPESCRIPT))
def test_a_block_of_the_typescript_sdks_page_runs(server, mark, code):
    url, seen = server
    for name, file in ENTRIES.items():
        code = code.replace(f"from '{name}'", f"from './src/{file}.ts'")

    ran = subprocess.run(
        [str(NODE), "--input-type=module-typescript", "--disable-warning=ExperimentalWarning", "--eval", code],
        capture_output=True, text=True, check=False, env=environment(url, mark), cwd=TYPESCRIPT,
    )  # fmt: skip

    check(ran, seen, mark)


def named_in(sdk: Path, start: str) -> set[str]:
    """The options in the first column of the page's table."""
    rows = re.findall(r"^\| (`.*?) \|", (sdk / "README.md").read_text(), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row) if name.startswith(start)}


def test_the_python_sdks_page_has_every_option():
    sys.path.insert(0, str(PYTHON / "src"))
    try:
        from agentwatch.settings import Settings
    finally:
        sys.path.remove(str(PYTHON / "src"))

    assert named_in(PYTHON, "agentwatch_") == {f"agentwatch_{each.name}" for each in fields(Settings)}


def test_the_typescript_sdks_page_has_every_option():
    source = (TYPESCRIPT / "src" / "settings.ts").read_text()
    interface = source[source.index("interface AgentWatchOptions") :]

    options = set(re.findall(r"readonly (agentwatch\w+)\?:", interface[: interface.index("\n}")]))

    assert named_in(TYPESCRIPT, "agentwatch") == options


def test_both_pages_have_the_same_headings():
    python, typescript = (
        re.findall(r"^## .*", (each / "README.md").read_text(), re.M) for each in (PYTHON, TYPESCRIPT)
    )

    assert python == typescript
