"""How each coding agent is started: its page's lines as they stand there, in a home of its own, asking once and not again.

The page's address, session and token are the test's. An agent sees nothing of this machine's environment but the path: a key
or a sign-in that happens to be here must not decide how a test ends.
"""

import json
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local.paths import NODE, ROOT
from local.stack import Stack
from tests.clients.scripted_turns import Script, messages_tool_call, responses_tool_call

PAGES = ROOT / "docs" / "clients"
PLACES = ROOT / ".local" / "coding-agents"
BINARIES = PLACES / "node" / "node_modules" / ".bin"
PAGE_ADDRESS = "http://127.0.0.1:8787"
PAGE_SESSION = "run-42"
RUN_TIMEOUT_S = 180

OWN_KEY = "own-" + 3 * "0123456789abcdef"
"""Long enough to be taken for a key, and like no provider's."""

COMMAND = "echo 42 > answer.txt; echo printed-by-the-tool"


@dataclass(frozen=True)
class Run:
    """What an agent did: its exit code, all that it printed, and the folder it worked in."""

    code: int
    printed: str
    folder: Path


@dataclass(frozen=True)
class CodingAgent:
    page: str
    place: Path
    """There when `make clients` has installed it."""
    version: Callable[[], str]
    command: str
    """Asks `$PROMPT` and ends."""
    whole: str | None
    """The same without a stream, where the agent can."""
    environment: dict[str, str]
    configuration: dict[str, str]
    """Where a block of the page goes, by its language, below the home or the working folder."""
    tool_turn: Script
    """The model's answer that has the agent write `answer.txt`."""
    cut_limit_usd: str
    """A limit that covers the agent's input and a part of a long answer."""
    stop_code: int
    refusals: int
    """How many calls are refused at a stop until the agent gives up."""
    refusals_after_cut: int
    cut_words: str = "the budget of session '{}'"
    """What it prints of a stream that was cut."""


def _npm_version(package: str) -> Callable[[], str]:
    manifest = Path(__file__).parent / "agents" / "package.json"
    return lambda: str(json.loads(manifest.read_text())["dependencies"][package])


def _aider_version() -> str:
    found = re.search(r"^aider-chat==(\S+)", (ROOT / "requirements/clients-aider.txt").read_text(), re.MULTILINE)
    assert found is not None, "aider is pinned"
    return found[1]


_CLAUDE = f'"{BINARIES}/claude" -p "$PROMPT" --allowedTools Bash'
_CODEX = f'"{NODE}" "{BINARIES}/codex" exec --skip-git-repo-check --dangerously-bypass-approvals-and-sandbox "$PROMPT"'
_AIDER = f'"{PLACES}/aider/bin/aider" --model openai/gpt-4o-mini --yes-always --no-gitignore --message "$PROMPT"'

AGENTS = (
    CodingAgent(
        page="claude-code",
        place=BINARIES / "claude",
        version=_npm_version("@anthropic-ai/claude-code"),
        command=_CLAUDE,
        whole=None,
        # Without a budget for thinking the call may be cut, which with one it never is: it is held in full.
        environment={
            "ANTHROPIC_MODEL": "claude-haiku-4-5",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "MAX_THINKING_TOKENS": "0",
        },
        configuration={},
        tool_turn=messages_tool_call("Bash", {"command": COMMAND, "description": "Write the answer"}),
        cut_limit_usd="0.056",
        stop_code=1,
        refusals=1,
        refusals_after_cut=1,
    ),
    CodingAgent(
        page="codex",
        place=BINARIES / "codex",
        version=_npm_version("@openai/codex"),
        # A model that does not think out of sight: one that does is held in full, and never cut.
        command=f"{_CODEX} -c model=gpt-4o-mini",
        whole=None,
        environment={},
        configuration={"toml": "home/.codex/config.toml"},
        tool_turn=responses_tool_call("exec_command", {"cmd": COMMAND}),
        cut_limit_usd="0.004",
        stop_code=1,
        refusals=2,
        refusals_after_cut=0,
        cut_words="Quota exceeded.",
    ),
    CodingAgent(
        page="aider",
        place=PLACES / "aider",
        version=_aider_version,
        command=_AIDER,
        whole=f"{_AIDER} --no-stream",
        environment={"AIDER_ANALYTICS": "false", "AIDER_CHECK_UPDATE": "false", "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        configuration={"yaml": "work/.aider.model.settings.yml"},
        tool_turn={"content": "answer.txt\n```\n42\n```\n"},
        cut_limit_usd="0.0008",
        stop_code=0,
        refusals=9,
        refusals_after_cut=8,
    ),
)


def run(
    agent: CodingAgent, stack: Stack, run_id: str, folder: Path, *, is_streaming: bool = True, marker: str = "run"
) -> Run:
    """Ask the agent once, in the session `run_id`, with the page's blocks of that marker."""
    home, work = folder / "home", folder / "work"
    for made in (home, work):
        made.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(work)], check=True)
    script = ""
    for language, lines in _blocks(agent.page, marker):
        lines = lines.replace(PAGE_ADDRESS, stack.edge_url).replace(PAGE_SESSION, run_id)
        if language == "sh":
            script += lines + "\n"
            continue
        path = folder / agent.configuration[language]
        path.parent.mkdir(exist_ok=True)
        path.write_text(lines)
    command = agent.command if is_streaming else agent.whole
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TERM": "dumb",
        "PROMPT": "Write 42 to answer.txt.",
        "AGENTWATCH_TOKEN": stack.tokens["live"],
        "MY_ANTHROPIC_KEY": OWN_KEY,
        **agent.environment,
    }
    ran = subprocess.run(
        ["bash", "-ec", f"{script}exec {command}"],
        cwd=work,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    return Run(ran.returncode, ran.stdout + ran.stderr, work)


def _blocks(page: str, marker: str) -> list[tuple[str, str]]:
    text = (PAGES / f"{page}.md").read_text()
    blocks = re.findall(rf"<!-- {marker} -->\n```(\w+)\n(.*?)\n```", text, re.DOTALL)
    assert blocks, f"{page}.md has no lines marked {marker!r}"
    return blocks
