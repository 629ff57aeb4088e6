"""An account in a refusal: in words, and as members beside them."""

from core.ledger.messages import AccountView
from core.money.amount import format_usd
from core.refusals import Detail


def account_details(account: AccountView) -> dict[str, Detail]:
    """An account's numbers as the wire shows them, dollars as exact decimal text."""
    limit = account.limit_nanousd
    return {
        "scope": account.kind,
        "scope_id": account.id,
        "window": account.window,
        "limit_usd": None if limit is None else format_usd(limit),
        "spent_usd": format_usd(account.spent_nanousd),
        "held_usd": format_usd(account.held_nanousd),
        "resets_at": account.resets_at_ms,
    }


def scope_words(account: AccountView) -> str:
    if account.kind == "call":
        return "this one call"
    if account.kind == "tenant":
        return f"this tenant ({account.window})"
    return f"{account.kind} {account.id!r}" + ("" if account.kind == "session" else f" ({account.window})")


def limit_words(account: AccountView) -> str:
    return "none" if account.limit_nanousd is None else f"${format_usd(account.limit_nanousd)}"


def paused_by_words(account: AccountView) -> str:
    return "" if account.paused_by is None else f" by rule {account.paused_by!r}"
