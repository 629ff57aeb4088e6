"""Which releases the frameworks' pages were run with: what the locks say, and nothing else."""

import json
import re
from pathlib import Path

from local.paths import ROOT

PAGES = ROOT / "docs" / "frameworks"
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
    "langchain": ("requirements/frameworks.txt", ("langchain-openai", "openai")),
    "langgraph": ("requirements/frameworks.txt", ("langgraph", "langchain-openai")),
    "openai-agents": ("requirements/frameworks.txt", ("openai-agents", "openai")),
    "pydantic-ai": ("requirements/frameworks.txt", ("pydantic-ai-slim", "openai")),
    "llama-index": ("requirements/frameworks-llama-index.txt", ("llama-index-llms-openai", "openai")),
    "vercel-ai": ("tests/frameworks/node/package.json", ("ai", "@ai-sdk/openai")),
    "claude-code": ("tests/frameworks/agents/package.json", ("@anthropic-ai/claude-code",)),
    "codex": ("tests/frameworks/agents/package.json", ("@openai/codex",)),
    "aider": ("requirements/frameworks-aider.txt", ("aider-chat", "litellm")),
}


def versions_of(page: str) -> str:
    """The page's packages with their pinned releases, as its row shows them."""
    lock, packages = _LOCKS[page]
    text = (ROOT / lock).read_text()
    pins = json.loads(text)["dependencies"] if lock.endswith(".json") else dict(re.findall(r"(?m)^(\S+)==(\S+)", text))
    return ", ".join(f"`{package}` {pins[package]}" for package in packages)
