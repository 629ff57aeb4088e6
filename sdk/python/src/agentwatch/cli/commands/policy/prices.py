"""`prices`: what models cost where the built-in table is wrong, silent or not yours, and which calls it was silent on.

A tenant's prices are its own; the operator's (--platform) are everybody's.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ...api.client import path_of
from ...api.documents import edit_document, made_once, read_document, read_history
from ...arguments import dollars
from ...failures import usage
from ...invocation import Invocation, command
from ...screen.columns import number, value
from ...screen.screen import Listed
from ..keys import Limit
from ..written import HISTORY, Version, show_written, whole_document

prices = typer.Typer(no_args_is_help=True, help="Prices: state them, see who had none (admin).")

Platform = Annotated[bool, typer.Option("--platform", help="Those of all tenants (operator).")]

RATES = ("input", "output", "cached_input", "cache_write_5m", "cache_write_1h", "reasoning")
"""Each stands on the wire as `<rate>_usd_per_mtok`."""

_COLUMNS = (
    value("model"),
    number("input_usd_per_mtok", "input"),
    number("output_usd_per_mtok", "output"),
    number("cached_input_usd_per_mtok", "cached input"),
    value("rest"),
)


def path_of_prices(platform: bool) -> str:
    return path_of("platform", "prices") if platform else path_of("prices")


@command(prices, "show")
def show(run: Invocation, platform: Platform = False, version: Version = None) -> None:
    """Show the prices that were stated, in dollars per million tokens. The built-in table is in docs/prices.md."""
    read = read_document(run.api, path_of_prices(platform), version)
    if run.screen.is_json:
        run.screen.document(read.document)
        return
    run.screen.rows(_rows(read.document), _COLUMNS, empty="no price is stated: the built-in table holds")
    run.screen.say(f"version {read.version}")


@command(prices, "set")
def set_prices(
    run: Invocation,
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="Such as openai/gpt-x.")] = None,
    input_usd: Annotated[str | None, typer.Option("--input", metavar="USD", help="Per million tokens.")] = None,
    output_usd: Annotated[str | None, typer.Option("--output", metavar="USD")] = None,
    cached_input_usd: Annotated[str | None, typer.Option("--cached-input", metavar="USD")] = None,
    cache_write_5m_usd: Annotated[str | None, typer.Option("--cache-write-5m", metavar="USD")] = None,
    cache_write_1h_usd: Annotated[str | None, typer.Option("--cache-write-1h", metavar="USD")] = None,
    reasoning_usd: Annotated[str | None, typer.Option("--reasoning", metavar="USD")] = None,
    input_tokens_max: Annotated[int | None, typer.Option("--input-tokens-max", min=1)] = None,
    output_tokens_max: Annotated[int | None, typer.Option("--output-tokens-max", min=1)] = None,
    alias_of: Annotated[
        str | None, typer.Option("--alias-of", metavar="MODEL", help="It is billed as this one.")
    ] = None,
    free: Annotated[bool, typer.Option("--free", help="It costs nothing.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Forget all that was stated of it.")] = False,
    discount: Annotated[
        list[str] | None, typer.Option("--discount", metavar="PROVIDER=PERCENT", help="Off all of a provider's prices.")
    ] = None,
    file: Annotated[str | None, typer.Option("--file", metavar="FILE", help="The whole document; - for stdin.")] = None,
    edit: Annotated[bool, typer.Option("--edit", help="The whole document, in your editor.")] = False,
    platform: Platform = False,
) -> None:
    """State a model's price, a discount, or all prices. A nonsense price is refused, and the one before holds.

    \b
      agentwatch prices set openai/my-model --input 1.25 --output 10
      agentwatch prices set openai/my-tune --alias-of openai/gpt-4o-mini
      agentwatch prices set --discount openai=12.5
    """
    typed = (input_usd, output_usd, cached_input_usd, cache_write_5m_usd, cache_write_1h_usd, reasoning_usd)
    stated: dict[str, Any] = {
        f"{rate}_usd_per_mtok": _price(text, rate) for rate, text in zip(RATES, typed, strict=True) if text is not None
    }
    for name, tokens in (("input_tokens_max", input_tokens_max), ("output_tokens_max", output_tokens_max)):
        if tokens is not None:
            stated[name] = tokens
    discounts = dict(_discount(each) for each in discount or [])
    is_of_model = bool(stated or alias_of or free or remove)
    if (file is not None or edit) and (is_of_model or discounts or model):
        raise usage("a whole document leaves nothing to say beside it")
    if is_of_model != (model is not None):
        raise usage("name a MODEL and what is stated of it: --input and --output, --alias-of, --free or --remove")
    if sum(map(bool, (stated, alias_of, free, remove))) > 1:
        raise usage("a model has rates, or is an alias, or is free")
    if not is_of_model and not discounts and file is None and not edit:
        raise usage("nothing to state", "agentwatch prices set --help shows how")

    def change(document: dict[str, Any]) -> dict[str, Any]:
        if discounts:
            document["discount_percent"] = {**document.get("discount_percent", {}), **discounts}
            document["discount_percent"] = {name: each for name, each in document["discount_percent"].items() if each}
        if model is not None:
            _state(document, model, stated, alias_of, is_free=free)
        return document

    whole = made_once(lambda document: whole_document(document, file, "prices"))
    show_written(run, edit_document(run.api, path_of_prices(platform), whole if file is not None or edit else change))


@command(prices, "history")
def history(run: Invocation, platform: Platform = False, limit: Limit = None) -> None:
    """Say who wrote which version of the prices when, the youngest first."""
    entries, below = read_history(run.api, path_of_prices(platform), limit)
    run.screen.listed(Listed(entries, below), HISTORY, empty="nothing was written yet")


@command(prices, "rollback")
def rollback(
    run: Invocation,
    version: Annotated[int, typer.Argument(min=1, help="The version to go back to.")],
    platform: Platform = False,
) -> None:
    """Write an earlier version of the prices once more, as a new version."""
    path = path_of_prices(platform)
    old = read_document(run.api, path, version).document
    show_written(run, edit_document(run.api, path, lambda _: old))


def _state(document: dict[str, Any], model: str, rates: dict[str, Any], alias_of: str | None, *, is_free: bool) -> None:
    """What was stated of the model before is gone, but for rates beside new rates."""
    before = document.get("models", {}).get(model, {})
    for name in ("models", "aliases"):
        if name in document:
            document[name] = {each: said for each, said in document[name].items() if each != model}
    if "free_models" in document:
        document["free_models"] = [each for each in document["free_models"] if each != model]
    if rates:
        document["models"] = {**document.get("models", {}), model: {**before, **rates}}
    if alias_of is not None:
        document["aliases"] = {**document.get("aliases", {}), model: alias_of}
    if is_free:
        document["free_models"] = [*document.get("free_models", []), model]


def _rows(document: dict[str, Any]) -> list[dict[str, Any]]:
    shown = {"input_usd_per_mtok", "output_usd_per_mtok", "cached_input_usd_per_mtok"}
    rows = [
        {"model": model, **rates, "rest": {name: each for name, each in rates.items() if name not in shown} or None}
        for model, rates in document.get("models", {}).items()
    ]
    rows += [{"model": model, "rest": f"billed as {other}"} for model, other in document.get("aliases", {}).items()]
    rows += [
        {"model": f"{name}/*", "rest": f"{each}% off"} for name, each in document.get("discount_percent", {}).items()
    ]
    return rows + [{"model": model, "rest": "free"} for model in document.get("free_models", [])]


def _price(text: str, rate: str) -> str | None:
    """`none` takes a rate away again."""
    return dollars(text, f"--{rate.replace('_', '-')}")


def _discount(text: str) -> tuple[str, str | None]:
    provider, is_said, percent = text.partition("=")
    if not provider or not is_said:
        raise usage("--discount is PROVIDER=PERCENT, such as openai=12.5")
    return provider, dollars(percent, "the percentage")
