"""Which of Anthropic's beta features a metered call may switch on.

Most betas only open members of the body, which the dialect judges, or change what is shown: their tokens are in the
usage. A beta that lets a call spend where neither the plan nor the usage sees it must not pass, and one that nobody
here has judged yet may be such a one. The rule easy to break: a family is judged whole, all its dates; a new date
that spends otherwise must leave this list.
"""

import re

_DATE = re.compile(r"-?(?:20[0-9]{2}-?[01][0-9]-?[0-3][0-9])$")

_JUDGED = frozenset(
    (
        # Tokens only, all of them in the usage; a long context is billed by tokens, and held by them.
        "context-1m", "output-128k", "output-300k", "interleaved-thinking", "dev-full-thinking", "redact-thinking",
        "thinking-token-count", "thinking-display-updates", "thinking-binding-controls", "token-efficient-tools",
        "prompt-caching", "prompt-caching-scope", "extended-cache-ttl", "cache-diagnosis", "effort", "task-budgets",
        "pdfs", "token-counting", "structured-outputs", "fine-grained-tool-streaming",
        "model-context-window-exceeded", "mid-conversation-tool-changes", "mid-conversation-output-config",
        "mid-conversation-system-clear-at",
        # What they allow stands in the body, where the dialect prices or refuses it.
        "fast-mode", "computer-use", "code-execution", "web-fetch", "web-search", "advanced-tool-use",
        "tool-search-tool", "tool-examples", "files-api", "skills", "mcp-client", "context-management", "compact",
        "message-threads", "server-side-fallback", "advisor-tool",
        # Who is asking: Claude Code and its sign-in.
        "claude-code", "oauth",
    )
)  # fmt: skip
"""Left out on purpose: `inline-tools` (tools defined inside messages, where nothing looks for ones that are billed),
`fallback-credit` and `user-profiles-billing` (they move the bill), and what belongs to other paths than messages."""


def judged_betas(header: str) -> str | None:
    """Those of an `anthropic-beta` header's values that may pass, or None where none may."""
    values = (value.strip() for value in header.split(","))
    return ",".join(value for value in values if _DATE.sub("", value) in _JUDGED) or None
