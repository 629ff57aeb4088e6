"""How the lines of a library's page are run: in a process of the library's own environment, which does what it is told.

One process does all that is asked of a library, since importing one takes longer than its calls. For each action it runs the
page's lines again, in another session, and says what came of it: what was said, or the error that was raised.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.paths import NODE, ROOT
from local.stack import Stack
from tests.clients.pins import blocks_of

PROGRAMS = Path(__file__).parent / "programs"
_LIGHT, _FULL = ROOT / ".local" / "clients-light", ROOT / ".local" / "clients"

_SAYS = "\x1e"
"""Begins a line of ours, among whatever a library prints."""

PYTHON_RUNNER = """
import json, os, sys
page, program = (compile(open(path).read(), path, "exec") for path in sys.argv[1:3])
for line in sys.stdin:
    action, os.environ["RUN_ID"] = json.loads(line)
    names = {"__name__": "page"}
    try:
        exec(page, names)
        exec(program, names)
        told = {"said": names[action]()} if action in names else None
    except Exception as error:
        each, status = error, None
        while each is not None and status is None:
            status = getattr(each, "status_code", None) or getattr(each, "code", None)
            status = status if isinstance(status, int) else None
            each = each.__cause__ or each.__context__
        told = {"error": type(error).__name__, "status": status, "words": str(error)}
    print("\\x1e" + json.dumps(told), flush=True)
"""
NODE_RUNNER = """
import { createInterface } from 'node:readline';
let number = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const [action, session] = JSON.parse(line);
  process.env.RUN_ID = session;
  let told = null;
  try {
    const { actions } = await import(`./page.mjs?${number++}`);
    if (action in actions) told = { said: await actions[action]() };
  } catch (error) {
    told = { error: error.name === 'Error' ? error.constructor.name : error.name, words: String(error.message) };
    told.status = error.statusCode ?? error.status ?? null;
    told.cell = error.cell;
  }
  console.log('\\x1e' + JSON.stringify(told));
}
"""


@dataclass(frozen=True)
class Environment:
    """Where a library is installed: an interpreter's folder, packages for the tests' own interpreter, or `node_modules`."""

    place: Path
    is_light: bool = False
    """Installed by every `make test`, not only by `make clients`."""
    is_node: bool = False


_OWN = Environment(ROOT / ".venv", is_light=True)
_LIGHT_PYTHON = Environment(_LIGHT / "python", is_light=True)
_LIGHT_NODE = Environment(_LIGHT / "node" / "node_modules", is_light=True, is_node=True)
_SDK_NODE = Environment(ROOT / "sdk" / "typescript" / "node_modules", is_light=True, is_node=True)
_PYTHON, _OLDER = Environment(_FULL / "python"), Environment(_FULL / "older")


@dataclass(frozen=True)
class Library:
    client: str
    environment: Environment
    cut_limit_usd: str = "0.0003"
    """Covers the call's input and a part of a long answer."""

    def python(self) -> str:
        return str((ROOT / ".venv" if self.environment is _LIGHT_PYTHON else self.environment.place) / "bin" / "python")

    def python_path(self) -> list[str]:
        return [str(self.environment.place)] if self.environment is _LIGHT_PYTHON else []

    @property
    def program(self) -> Path:
        return PROGRAMS / f"{self.client.replace('-', '_')}.{'mjs' if self.environment.is_node else 'py'}"


LIBRARIES = (
    Library("vercel-ai", _LIGHT_NODE),
    Library("langchain", _PYTHON),
    Library("langgraph", _PYTHON),
    Library("pydantic-ai", _LIGHT_PYTHON),
    Library("openai-agents", _PYTHON),
    Library("llama-index", _OLDER),
    Library("litellm", _PYTHON),
    Library("instructor", _OLDER),
    Library("openai-python", _OWN),
    Library("openai-node", _SDK_NODE),
    Library("anthropic-python", _OWN, cut_limit_usd="0.0025"),
    Library("anthropic-node", _SDK_NODE, cut_limit_usd="0.0025"),
    Library("google-genai", _OWN),
    Library("google-legacy", _LIGHT_NODE),
    Library("groq-python", _OWN, cut_limit_usd="0.00005"),
)


class Told:
    """A running process of one library."""

    def __init__(self, process: "subprocess.Popen[str]", errors: Path) -> None:
        self._process, self._errors = process, errors

    def do(self, action: str, session_id: str) -> dict[str, Any] | None:
        """What came of an action in that session; None where the library has no such thing."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None, "both are pipes"
        stdin.write(json.dumps([action, session_id]) + "\n")
        stdin.flush()
        for line in stdout:
            if line.startswith(_SAYS):
                told: dict[str, Any] | None = json.loads(line[1:])
                return told
        raise AssertionError(f"it ended: {self._errors.read_text()[-3_000:]}")


@contextmanager
def running(library: Library, stack: Stack, folder: Path) -> Iterator[Told]:
    """The library's process, ready for actions; `folder` is for its files."""
    errors = folder / "stderr.txt"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "AGENTWATCH_URL": stack.edge_url,
        "AGENTWATCH_TOKEN": stack.tokens["live"],
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "PYTHONPATH": ":".join(library.python_path()),
    }
    with errors.open("w") as written:
        process = subprocess.Popen(
            _command(library, folder),
            env=environment,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=written,
            text=True,
        )
        try:
            yield Told(process, errors)
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                pipe.close()


def _command(library: Library, folder: Path) -> list[str]:
    (_, lines), *_ = blocks_of(library.client)
    if library.environment.is_node:
        (folder / "node_modules").symlink_to(library.environment.place)
        (folder / "page.mjs").write_text(f"{lines}\n{library.program.read_text()}")
        (folder / "runner.mjs").write_text(NODE_RUNNER)
        return [str(NODE), str(folder / "runner.mjs")]
    (folder / "page.py").write_text(lines)
    (folder / "runner.py").write_text(PYTHON_RUNNER)
    return [library.python(), str(folder / "runner.py"), str(folder / "page.py"), str(library.program)]
