"""The 402 of a call that is not sent: whose limit it was, its numbers, and what would have had to be free, in parts.

A sum alone tells nobody why a short question needs so much. The rule easy to break: the parts add up to the sum, so
they are of the very amount that the Ledger has refused.
"""

from core.call.costing import NEEDED_PARTS, USEFUL_OUTPUT_TOKENS, Costing
from core.call.denials.account_words import account_details, limit_words, scope_words
from core.call.plan import KEEPS_TO_TOOL_CALLS_MAX, CallPlan
from core.ledger.messages import AccountView
from core.money.amount import format_usd
from core.refusals import BudgetExhausted, Detail


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
    words = {
        "input": "the input",
        "references": _references_words(plan, needed_nanousd),
        "searches": _searches_words(plan),
        "output": _output_words(plan.costing),
        "thinking": f"up to {plan.parsed.thinking_tokens} tokens of thinking: ask for a lower budget",
    }
    return f": ${format_usd(parts[largest])} of it for {words[largest]}"


def _searches_words(plan: CallPlan) -> str:
    searched = plan.costing.searched_prompt
    calls = searched.web_search_calls + searched.document_search_calls
    searches = "1 search" if calls == 1 else f"{calls} searches"
    if not searched.web_search_calls:
        return f"up to {searches} of its documents: send their text"
    return f"up to {searches} and what {'it finds' if calls == 1 else 'they find'}: {_fewer_searches(plan, calls)}"


def _fewer_searches(plan: CallPlan, calls: int) -> str:
    match plan.dialect.name:
        case "openai_responses" if calls > 1 and plan.provider in KEEPS_TO_TOOL_CALLS_MAX:
            return "bound them with max_tool_calls"
        case "anthropic_messages" if calls > 1 and plan.provider in KEEPS_TO_TOOL_CALLS_MAX:
            return "bound them with max_uses of the tool"
        case "openai_chat" if plan.parsed.searches_without_tool:
            return "leave web_search_options out, or name a model that does not search unasked"
    return "leave the search tool out"


def _output_words(costing: Costing) -> str:
    call = costing.call
    if not call.takes_ceiling:
        return "the model's longest answer, since nothing in such a request bounds it: name a model that costs less"
    if call.unshown_output_tokens > costing.least_output_tokens - call.thinking_tokens:
        return "the prediction, of which what the model rejects is billed as output: shorten it, or leave it out"
    shortest = "answer of the form that it demands" if call.form_tokens > USEFUL_OUTPUT_TOKENS else "useful answer"
    return f"the shortest {shortest}"


def _references_words(plan: CallPlan, needed_nanousd: int) -> str:
    """Of what is not in the request: what it refers to itself, what its tools read, and what it continues."""
    call, prompt = plan.parsed, plan.parsed.prompt
    has_readers = call.reading_tools > 0 or prompt.reads > 1
    is_of_any_past = prompt.earlier_answers > 0 and needed_nanousd == plan.costing.least_nanousd
    if prompt.hidden_inputs > call.reading_tools or prompt.unsized_media or is_of_any_past:
        rest = ", and leave out the tool that reads more" if has_readers else ""
        return (
            "the model's whole context window, since the request refers to input that is not in it or cannot be sized: "
            f"send the conversation itself, and files in the request{rest}"
        )
    if call.reading_tools:
        return "a tool that reads what is not in the request: leave it out"
    if has_readers:
        return "code that the provider runs, behind which the model reads the request again: leave that tool out"
    return "the earlier answers that it continues: send of the conversation what is needed"
