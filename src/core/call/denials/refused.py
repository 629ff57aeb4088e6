"""The 402 of a call that is not sent: whose limit it was, its numbers, and what would have had to be free."""

from core.call.denials.account_words import account_details, limit_words, scope_words
from core.call.plan import CallPlan
from core.ledger.messages import AccountView
from core.money.amount import format_usd
from core.refusals import BudgetExhausted

_WINDOW_WORDS = (
    ": the model's whole context window, since the request refers to input that is not in it or cannot be sized"
)


def budget_refusal(
    account: AccountView, plan: CallPlan | None = None, *, needed_nanousd: int | None = None
) -> BudgetExhausted:
    """The 402 of a scope that cannot pay: which scope, its numbers, what was needed, and when it begins anew."""
    needed = {} if needed_nanousd is None else {"needed_usd": format_usd(needed_nanousd)}
    return BudgetExhausted(
        f"the budget of {scope_words(account)} does not cover this call: limit {limit_words(account)}, "
        f"spent ${format_usd(account.spent_nanousd)}, held ${format_usd(account.held_nanousd)}"
        + ("" if needed_nanousd is None else f", needed ${format_usd(needed_nanousd)}")
        + (_WINDOW_WORDS if plan is not None and _holds_the_window(plan, needed_nanousd) else ""),
        details={**account_details(account), **needed},
    )


def _holds_the_window(plan: CallPlan, needed_nanousd: int | None) -> bool:
    return plan.parsed.prompt.is_of_unknown_size and needed_nanousd == plan.costing.least_nanousd
