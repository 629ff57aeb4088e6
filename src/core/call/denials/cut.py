"""The end of an answer for which there is no more money.

The rule easy to break: what stands there as held is held for other calls, and what as spent, with this answer.
"""

import msgspec

from core.call.denials.account_words import account_details, limit_words, paused_by_words, scope_words
from core.ledger.messages import AccountView
from core.money.amount import format_usd
from core.refusals import AnswerCut, BudgetExhausted, BudgetUnavailable, Detail, ScopePaused


def cut_refusal(
    account: AccountView | None, *, own_nanousd: int, charged_nanousd: int, output_tokens: int
) -> AnswerCut:
    """What the answer cost, and the account that gave no more, None where nobody could be asked. Its numbers are told
    as they are after the charge; `own_nanousd` is what was held there for this answer. The cause is the code that the
    call would be refused by, were it made now."""
    cause, why = BudgetUnavailable.code, "more money could not be held for it just now"
    details: dict[str, Detail] = {}
    if account is not None:
        account = msgspec.structs.replace(
            account,
            spent_nanousd=account.spent_nanousd + charged_nanousd,
            held_nanousd=max(0, account.held_nanousd - own_nanousd),
        )
        details = account_details(account)
        cause, why = BudgetExhausted.code, _no_more(account)
    if account is not None and account.is_paused:
        cause, why = ScopePaused.code, f"{scope_words(account)} is paused{paused_by_words(account)}"
    charged = format_usd(charged_nanousd)
    return AnswerCut(
        f"the answer was cut after {output_tokens} tokens of output and ${charged}, which is charged: {why}",
        details={**details, "cause": cause, "charged_usd": charged, "output_tokens": output_tokens},
    )


def _no_more(account: AccountView) -> str:
    return (
        f"the budget of {scope_words(account)} does not cover more of it: limit {limit_words(account)}, "
        f"spent ${format_usd(account.spent_nanousd)} with this answer, "
        f"held ${format_usd(account.held_nanousd)} for other calls"
    )
