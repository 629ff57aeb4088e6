"""The Python SDK as its users get it: the built wheel, installed on the oldest and the newest Python there is, with the
clients that are current there, runs the lines of its README.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

ROOT = Path(__file__).resolve().parents[2]
SDK = ROOT / "sdk" / "python"
OLDEST = (3, 10)

ANSWER = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
}  # fmt: skip
CHECK = {"exceeded": False, "spent_usd": 0, "limit_usd": 5, "cumulative_tokens": 0, "remaining_usd": 5, "held_usd": 0,
         "paused": False, "source": "ledger"}  # fmt: skip


def pythons() -> list[str]:
    """The oldest and the newest interpreter that the SDK is for, as far as this machine has several."""
    found = {sys.version_info[:2]: sys.executable}
    folders = [*os.environ["PATH"].split(os.pathsep), *map(str, Path.home().glob(".pyenv/versions/*/bin"))]
    for folder in folders:
        for path in Path(folder).glob("python3.*"):
            match = re.fullmatch(r"python3\.(\d+)", path.name)
            if match and (3, int(match[1])) >= OLDEST and _runs(path):
                found.setdefault((3, int(match[1])), str(path))
    ordered = [found[each] for each in sorted(found)]
    return [ordered[0], *([ordered[-1]] if len(ordered) > 1 else [])]


def _runs(python: Path) -> bool:
    """A version manager may have a name for what it has not installed."""
    return subprocess.run([python, "-c", "import venv, ensurepip"], capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(SDK)], check=True)
    (built,) = folder.glob("agentwatch-*.whl")
    return built


class Edge(BaseHTTPRequestHandler):
    """A provider and an AgentWatch that say yes."""

    protocol_version = "HTTP/1.1"
    asked: list[str]

    def do_GET(self) -> None:
        self.answer(CHECK)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.answer(ANSWER if self.path.endswith("chat/completions") else {"accepted": 1, "refused": []})

    def answer(self, document: object) -> None:
        type(self).asked.append(self.path.partition("?")[0])
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def edge() -> Iterator[tuple[str, list[str]]]:
    handler = type("Handler", (Edge,), {"asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", handler.asked
        server.shutdown()


PROGRAM = """
import agentwatch
from agentwatch import AgentBudgetExceeded, WatchedOpenAI, analyze_text, session

client = WatchedOpenAI(
    api_key="sk-test", base_url={url!r} + "/provider/v1", agentwatch_api_key="aw_test_1", agentwatch_base_url={url!r},
    agentwatch_enforcement_mode=True,
)
with session(budget_usd=5):
    answer = client.chat.completions.create(model="gpt-4o-mini", messages=[{{"role": "user", "content": "hello"}}])
print(answer.choices[0].message.content, analyze_text("bob" + "@mail.de"), agentwatch.__version__)
"""


@pytest.mark.parametrize("python", pythons(), ids=lambda path: Path(path).name)
def test_the_wheel_works_on_the_oldest_and_the_newest_python(wheel, edge, tmp_path, python):
    url, asked = edge
    home = tmp_path / "venv"
    subprocess.run([python, "-m", "venv", str(home)], check=True)
    inside = str(home / "bin" / "python")
    pip = [inside, "-m", "pip", "-q", "--disable-pip-version-check", "install"]
    subprocess.run([*pip, str(wheel)], check=True)
    alone = subprocess.run(
        [inside, "-c", "import agentwatch; agentwatch.WatchedOpenAI"], capture_output=True, text=True
    )
    subprocess.run([*pip, f"{wheel}[openai,anthropic]"], check=True)

    ran = subprocess.run(
        [inside, "-W", "error", "-c", PROGRAM.format(url=url)], capture_output=True, text=True, check=False
    )
    shutil.rmtree(home)

    assert "pip install" in alone.stderr and "openai" in alone.stderr
    assert ran.stdout.split() == ["hello", "['PII_EMAIL']", "0.1.0"], ran.stderr
    assert asked == ["/v1/budget-check", "/provider/v1/chat/completions", "/v1/ingest"]


def test_the_command_without_its_extra_says_in_one_line_what_is_missing(wheel, tmp_path):
    home = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"), "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--no-deps", str(wheel)], check=True)

    ran = subprocess.run([home / "bin" / "agentwatch", "key", "list"], capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1)
    assert "pip install 'agentwatch[cli]'" in ran.stderr
