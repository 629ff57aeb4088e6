"""Every client that has a page: what it is called, where its lines stand, and which releases they were run with, by the locks."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from local.paths import ROOT

PAGES = ROOT / "docs" / "clients"
HERE = Path(__file__).parent
_AGENTS, _NODE = "tests/clients/agents/package.json", "tests/clients/node/package.json"
_ADDRESS = re.compile(
    r"""["']?([A-Za-z_]+)["']?\s*[=:]\s*(?:os\.environ\["AGENTWATCH_URL"\] \+ "|`\$\{process\.env\.AGENTWATCH_URL\}"""
    r"""|"?http://127\.0\.0\.1:8787)(/v1/[^"`'\s]+)"""
)

_SESSION = re.compile(r"""([A-Za-z_]+)["']?\s*[=:][\s{"']*x-agentwatch-session-id""")


@dataclass(frozen=True)
class Listed:
    """A row: a client, the page of its lines, the lock and the packages that say what was run."""

    name: str
    lock: str
    packages: tuple[str, ...]
    page: str = ""
    """Where the page is not its own."""


LISTED = {
    "vercel-ai": Listed("Vercel AI SDK", _NODE, ("ai", "@ai-sdk/openai")),
    "langchain": Listed("LangChain", "requirements/clients.txt", ("langchain-openai", "openai")),
    "langgraph": Listed("LangGraph", "requirements/clients.txt", ("langgraph", "langchain-openai")),
    "pydantic-ai": Listed("Pydantic AI", "requirements/clients-light.txt", ("pydantic-ai-slim", "openai")),
    "openai-agents": Listed("OpenAI Agents", "requirements/clients.txt", ("openai-agents", "openai")),
    "llama-index": Listed("LlamaIndex", "requirements/clients-older.txt", ("llama-index-llms-openai", "openai")),
    "litellm": Listed("litellm", "requirements/clients.txt", ("litellm", "openai")),
    "instructor": Listed("instructor", "requirements/clients-older.txt", ("instructor", "openai")),
    "claude-code": Listed("Claude Code", _AGENTS, ("@anthropic-ai/claude-code",)),
    "codex": Listed("Codex", _AGENTS, ("@openai/codex",)),
    "aider": Listed("Aider", "requirements/clients-aider.txt", ("aider-chat", "litellm")),
    "cline": Listed("Cline", _AGENTS, ("cline",)),
    "continue": Listed("Continue", _AGENTS, ("@continuedev/cli",)),
    "llm": Listed("`llm`", "requirements/clients-light.txt", ("llm", "openai")),
    "openai-python": Listed("OpenAI, Python", "requirements/dev.txt", ("openai",), "official-sdks"),
    "openai-node": Listed("OpenAI, JavaScript", "sdk/typescript/package.json", ("openai",), "official-sdks"),
    "anthropic-python": Listed("Anthropic, Python", "requirements/dev.txt", ("anthropic",), "official-sdks"),
    "anthropic-node": Listed(
        "Anthropic, JavaScript", "sdk/typescript/package.json", ("@anthropic-ai/sdk",), "official-sdks"
    ),
    "google-genai": Listed("Google Gen AI, Python", "requirements/dev.txt", ("google-genai",), "official-sdks"),
    "google-legacy": Listed("Google's former SDK, JavaScript", _NODE, ("@google/generative-ai",), "official-sdks"),
    "groq-python": Listed("Groq, Python", "requirements/dev.txt", ("groq",), "official-sdks"),
}
"""In the order of the tables."""


def page_of(client: str) -> str:
    return LISTED[client].page or client


def versions_of(client: str) -> str:
    """The client's packages with their pinned releases, as its row shows them."""
    listed = LISTED[client]
    text = (ROOT / listed.lock).read_text()
    if listed.lock.endswith(".json"):
        manifest = json.loads(text)
        pins = {**manifest.get("devDependencies", {}), **manifest.get("dependencies", {})}
    else:
        pins = dict(re.findall(r"(?m)^(\S+)==(\S+)", text))
    return ", ".join(f"`{package}` {pins[package]}" for package in listed.packages)


def blocks_of(client: str, marker: str = "") -> list[tuple[str, str]]:
    """The lines that its page marks to be run, each with its language."""
    marker = marker or (f"run: {client}" if LISTED[client].page else "run")
    text = (PAGES / f"{page_of(client)}.md").read_text()
    blocks = re.findall(rf"<!-- {re.escape(marker)} -->\n```(\w+)\n(.*?)\n```", text, re.DOTALL)
    assert blocks, f"{page_of(client)}.md has no lines marked {marker!r}"
    return blocks


def settings_of(client: str) -> str:
    """What its page points to AgentWatch, and where the session goes."""
    lines = "\n".join(lines for _, lines in blocks_of(client))
    addresses, session = _ADDRESS.findall(lines), _SESSION.search(lines)
    assert addresses and session is not None, f"{page_of(client)}.md names no address or no session"
    return ", ".join(f"`{name}=…{path}`" for name, path in addresses) + f", `{session[1]}`"
