"""How each program of the command line is started: its page's lines as they stand there, in a home of its own, asking once and
not again.

The page's address, session and token are the test's. A program sees nothing of this machine's environment but the path: a key
or a sign-in that happens to be here must not decide how a test ends.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from local.paths import NODE, ROOT
from local.stack import Stack
from tests.clients.pins import blocks_of

PLACES = ROOT / ".local" / "coding-agents"
BINARIES = PLACES / "node" / "node_modules" / ".bin"
LIGHT = ROOT / ".local" / "clients-light" / "python"
PAGE_ADDRESS = "http://127.0.0.1:8787"
PAGE_SESSION = "run-42"
RUN_TIMEOUT_S = 180

OWN_KEY = "own-" + 3 * "0123456789abcdef"
"""Long enough to be taken for a key, and like no provider's."""

COMMAND = "echo 42 > answer.txt; echo printed-by-the-tool"


Script = dict[str, Any]
"""A script as `POST /_mock/scripts` takes it."""


def tool_call(name: str, **arguments: Any) -> Script:
    """The model calls this tool: a program has to be told a command that is harmless to run."""
    return {"tool": name, "arguments": json.dumps(arguments)}


@dataclass(frozen=True)
class Run:
    """What a program did: its exit code, all that it printed, and the folder it worked in."""

    code: int
    printed: str
    folder: Path


@dataclass(frozen=True)
class CodingAgent:
    client: str
    place: Path
    """There when it is installed."""
    command: str
    """Asks `$PROMPT` and ends."""
    environment: dict[str, str]
    configuration: dict[str, str]
    """Where a block of the page goes, by its language, below the home or the working folder."""
    tool_turn: Script
    """The model's answer that has a tool called: to write `answer.txt`, where the program has such a tool."""
    cut_limit_usd: str
    """A limit that covers the program's input and a part of a long answer."""
    stop_code: int
    refusals: int
    """How many calls are refused at a stop until the program gives up."""
    refusals_after_cut: int
    says_of_cut: str = "the budget of session '{}'"
    whole: str | None = None
    """The same as `command` without a stream, where the program can."""
    structured: str | None = None
    """The same with a schema for the answer, where the program can."""
    structured_turn: Script = field(default_factory=dict)
    """How the model answers to one, where the mock has to be told."""
    shown_by_tool: str = "printed-by-the-tool"
    """What the model hears of the tool's call."""


SCHEMA = '{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false}'
_CLAUDE = f'"{BINARIES}/claude" -p "$PROMPT" --allowedTools Bash,Edit,Read'
CODEX_EXEC = f'"{NODE}" "{BINARIES}/codex" exec --skip-git-repo-check --dangerously-bypass-approvals-and-sandbox'
# A model that does not think out of sight: one that does is held in full, and never cut.
_CODEX = f'{CODEX_EXEC} -c model=gpt-4o-mini "$PROMPT"'
_AIDER = f'"{PLACES}/aider/bin/aider" --model openai/gpt-4o-mini --yes-always --no-gitignore --message "$PROMPT"'
_LLM = 'llm prompt -m watched "$PROMPT"'
_WRITE = r'def write(text: str) -> str: open("answer.txt", "w").write(text + "\n"); return "printed-by-the-tool"'

AGENTS = (
    CodingAgent(
        client="claude-code",
        place=BINARIES / "claude",
        command=_CLAUDE,
        # Without a budget for thinking the call may be cut, which with one it never is: it is held in full.
        environment={
            "ANTHROPIC_MODEL": "claude-haiku-4-5",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "MAX_THINKING_TOKENS": "0",
        },
        configuration={},
        tool_turn=tool_call("Bash", command=COMMAND, description="Write the answer"),
        cut_limit_usd="0.056",
        stop_code=1,
        refusals=1,
        refusals_after_cut=1,
        structured=f"{_CLAUDE} --json-schema '{SCHEMA}' --output-format json",
        structured_turn=tool_call("StructuredOutput", a=7),
    ),
    CodingAgent(
        client="codex",
        place=BINARIES / "codex",
        command=_CODEX,
        environment={},
        configuration={"toml": "home/.codex/config.toml"},
        tool_turn=tool_call("exec_command", cmd=COMMAND),
        cut_limit_usd="0.004",
        stop_code=1,
        refusals=1,
        refusals_after_cut=0,
        says_of_cut="Quota exceeded",
        structured=f"echo '{SCHEMA}' > schema.json; {_CODEX} --output-schema schema.json",
    ),
    CodingAgent(
        client="aider",
        place=PLACES / "aider",
        command=_AIDER,
        whole=f"{_AIDER} --no-stream",
        environment={"AIDER_ANALYTICS": "false", "AIDER_CHECK_UPDATE": "false", "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        configuration={"yaml": "work/.aider.model.settings.yml"},
        tool_turn={"content": "answer.txt\n```\n42\n```\n"},
        shown_by_tool="answer.txt",
        cut_limit_usd="0.0008",
        stop_code=0,
        refusals=9,
        refusals_after_cut=8,
    ),
    CodingAgent(
        client="cline",
        place=BINARIES / "cline",
        command=f'"{BINARIES}/cline" --key "$AGENTWATCH_TOKEN" "$PROMPT"',
        environment={},
        configuration={"json": "home/.cline/data/settings/providers.json"},
        tool_turn=tool_call("run_commands", commands=[COMMAND]),
        cut_limit_usd="0.003",
        stop_code=1,
        refusals=1,
        refusals_after_cut=0,
    ),
    CodingAgent(
        client="continue",
        place=BINARIES / "cn",
        command=f'"{NODE}" "{BINARIES}/cn" --config "$HOME/.continue/config.yaml" --auto -p "$PROMPT"',
        environment={"CONTINUE_TELEMETRY_ENABLED": "0"},
        configuration={"yaml": "home/.continue/config.yaml"},
        tool_turn=tool_call("Bash", command=COMMAND),
        cut_limit_usd="0.003",
        stop_code=1,
        refusals=1,
        refusals_after_cut=0,
    ),
    CodingAgent(
        client="llm",
        place=LIGHT / "llm",
        command=f"{_LLM} --functions '{_WRITE}'",
        whole=f"{_LLM} --no-stream",
        environment={"PATH": f"{LIGHT / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(LIGHT)},
        configuration={"yaml": "home/.config/io.datasette.llm/extra-openai-models.yaml"},
        tool_turn=tool_call("write", text="42"),
        cut_limit_usd="0.0008",
        stop_code=1,
        refusals=1,
        refusals_after_cut=0,
        structured=f"{_LLM} --schema '{SCHEMA}'",
    ),
)


def run(
    agent: CodingAgent,
    stack: Stack,
    run_id: str,
    folder: Path,
    *,
    command: str | None = None,
    marker: str = "",
    prompt: str = "Write 42 to answer.txt.",
    files: Mapping[str, str] = MappingProxyType({}),
) -> Run:
    """Ask the program once, in the session `run_id`, with the page's blocks of that marker, where these files are.

    In a folder that it has worked in before it finds all that it left there.
    """
    home, work = folder / "home", folder / "work"
    if not work.exists():
        home.mkdir(parents=True)
        work.mkdir()
        subprocess.run(["git", "init", "-q", str(work)], check=True)
    for name, text in files.items():
        (work / name).write_text(text)
    script = ""
    for language, lines in blocks_of(agent.client, marker):
        lines = lines.replace(PAGE_ADDRESS, stack.edge_url).replace(PAGE_SESSION, run_id)
        if language == "sh":
            script += lines + "\n"
            continue
        path = folder / agent.configuration[language]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(lines)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TERM": "dumb",
        "PROMPT": prompt,
        "AGENTWATCH_TOKEN": stack.tokens["live"],
        "MY_ANTHROPIC_KEY": OWN_KEY,
        **agent.environment,
    }
    ran = subprocess.run(
        ["bash", "-ec", f"{script}{command or agent.command}"],
        cwd=work,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    return Run(ran.returncode, ran.stdout + ran.stderr, work)
