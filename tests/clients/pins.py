"""Which releases the frameworks' pages were run with: what the locks say, and nothing else."""

import json
import re
from pathlib import Path

from local.paths import ROOT

PAGES = ROOT / "docs" / "clients"
HERE = Path(__file__).parent

NAMES = {
    "langchain": "LangChain",
    "langgraph": "LangGraph",
    "openai-agents": "OpenAI Agents",
    "pydantic-ai": "Pydantic AI",
    "llama-index": "LlamaIndex",
    "vercel-ai": "Vercel AI SDK",
    "claude-code": "Claude Code",
    "codex": "Codex",
    "aider": "Aider",
}
"""Every page, and what its framework is called."""

_LOCKS = {
    "langchain": ("requirements/clients.txt", ("langchain-openai", "openai")),
    "langgraph": ("requirements/clients.txt", ("langgraph", "langchain-openai")),
    "openai-agents": ("requirements/clients.txt", ("openai-agents", "openai")),
    "pydantic-ai": ("requirements/clients.txt", ("pydantic-ai-slim", "openai")),
    "llama-index": ("requirements/clients-llama-index.txt", ("llama-index-llms-openai", "openai")),
    "vercel-ai": ("tests/clients/node/package.json", ("ai", "@ai-sdk/openai")),
    "claude-code": ("tests/clients/agents/package.json", ("@anthropic-ai/claude-code",)),
    "codex": ("tests/clients/agents/package.json", ("@openai/codex",)),
    "aider": ("requirements/clients-aider.txt", ("aider-chat", "litellm")),
}


def versions_of(page: str) -> str:
    """The page's packages with their pinned releases, as its row shows them."""
    lock, packages = _LOCKS[page]
    text = (ROOT / lock).read_text()
    pins = json.loads(text)["dependencies"] if lock.endswith(".json") else dict(re.findall(r"(?m)^(\S+)==(\S+)", text))
    return ", ".join(f"`{package}` {pins[package]}" for package in packages)
