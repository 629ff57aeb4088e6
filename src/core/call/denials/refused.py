"""The 402 of a call that is not sent: whose limit it was, its numbers, and what would have had to be free, in parts.

A sum alone tells nobody why a short question needs so much. The rule easy to break: the parts add up to the sum, so
they are of the very amount that the Ledger has refused.
"""

from core.call.costing import NEEDED_PARTS, USEFUL_OUTPUT_TOKENS
from core.call.denials.account_words import account_details, limit_words, scope_words
from core.call.plan import CallPlan
from core.ledger.messages import AccountView
from core.money.amount import format_usd
from core.refusals import BudgetExhausted, Detail

_SEARCHES_BOUNDED_BY = {
    "openai_responses": "bound them with max_tool_calls",
    "anthropic_messages": "bound them with max_uses of the tool",
}


def budget_refusal(account: AccountView, plan: CallPlan, *, needed_nanousd: int) -> BudgetExhausted:
    """Which scope cannot pay, its numbers, what was needed and for what, and when it begins anew."""
    parts = plan.least_by_part(needed_nanousd)
    needed: dict[str, Detail] = {"needed_usd": format_usd(needed_nanousd)}
    needed |= {f"needed_{name}_usd": format_usd(parts[name]) for name in NEEDED_PARTS if name in parts}
    return BudgetExhausted(
        f"the budget of {scope_words(account)} does not cover this call: limit {limit_words(account)}, "
        f"spent ${format_usd(account.spent_nanousd)}, held ${format_usd(account.held_nanousd)}, "
        f"needed ${needed['needed_usd']}{_most_of_it(plan, needed_nanousd, parts)}",
        details={**account_details(account), **needed},
    )


def _most_of_it(plan: CallPlan, needed_nanousd: int, parts: dict[str, int]) -> str:
    """What the largest part is for, and what makes it smaller."""
    largest = max(parts, key=lambda name: parts[name], default=None)
    if largest is None:
        return ""
    call = plan.parsed
    shortest = "answer of the form that it demands" if call.form_tokens > USEFUL_OUTPUT_TOKENS else "useful answer"
    words = {
        "input": "the input",
        "references": _references_words(plan, needed_nanousd),
        "searches": _searches_words(plan),
        "output": f"the shortest {shortest}",
        "thinking": f"up to {call.thinking_tokens} tokens of thinking: ask for a lower budget or less effort",
    }
    return f": ${format_usd(parts[largest])} of it for {words[largest]}"


def _searches_words(plan: CallPlan) -> str:
    searched = plan.costing.searched_prompt
    calls = searched.web_search_calls + searched.document_search_calls
    if not searched.web_search_calls:
        return f"up to {calls} searches of its documents: send their text"
    advice = _SEARCHES_BOUNDED_BY.get(plan.dialect.name, "leave the search tool out")
    return f"up to {calls} searches and what they find: {advice}"


def _references_words(plan: CallPlan, needed_nanousd: int) -> str:
    prompt = plan.parsed.prompt
    if prompt.hidden_inputs or prompt.unsized_media or needed_nanousd == plan.costing.least_nanousd:
        return (
            "the model's whole context window, since the request refers to input that is not in it or cannot be sized: "
            "send the conversation itself, and files in the request"
        )
    return "the earlier answers that it continues: send of the conversation what is needed"
