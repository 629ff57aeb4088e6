"""The comparison as tables and as JSON."""

from dataclasses import asdict
from typing import Any

from rich.markup import escape
from rich.table import Table

from bench.measuring.figures import Latency
from bench.peers.cap import CALLS, CAP_USD, CapResult
from bench.peers.comparison import Comparison, Load, Ratio, ratios

NANOUSD_PER_USD = 10**9


def peers_tables(found: Comparison) -> list[Table]:
    return [_loads_table(found), _ratios_table(found), _caps_table(found)]


def peers_json(found: Comparison) -> dict[str, Any]:
    return {
        "versions": found.versions,
        "absent": found.absent,
        "loads": [asdict(load) for load in found.loads],
        "ratios": [asdict(ratio) for load in found.loads for ratio in ratios(load)],
        "caps": [{**asdict(cap), "over_cap_nanousd": cap.over_cap_nanousd} for cap in found.caps],
    }


def _loads_table(found: Comparison) -> Table:
    table = Table(title="Milliseconds a call, calls a second, and processor time of the process that is called")
    for column in ("load", "target", "first p50", "first p99", "p50", "p99", "a second", "cpu"):
        table.add_column(column, justify="left" if column in ("load", "target") else "right")
    for load in found.loads:
        _add_load(table, load, found.versions)
    for name, reason in found.absent.items():
        table.add_row("none", escape(f"{name} {found.versions[name]} {reason}"))
    return table


def _add_load(table: Table, load: Load, versions: dict[str, str]) -> None:
    for name, figures in load.figures.items():
        table.add_row(
            f"{load.kind} x{load.connections}",
            f"{name} {versions.get(name, '')}".strip(),
            *_milliseconds(figures.first),
            *_milliseconds(figures.whole),
            f"{figures.calls_a_second:.1f}",
            "" if figures.processor_ms is None else f"{figures.processor_ms:.2f}",
        )
    table.add_section()


def _ratios_table(found: Comparison) -> Table:
    table = Table(title="AgentWatch's figure divided by the peer's")
    for column in ("load", "ours", "peer", "calls a second", "p50", "first p50"):
        table.add_column(column, justify="left" if column in ("load", "ours", "peer") else "right")
    for load in found.loads:
        for ratio in ratios(load):
            table.add_row(*_ratio_row(ratio))
        table.add_section()
    return table


def _ratio_row(ratio: Ratio) -> tuple[str, ...]:
    first = "" if ratio.first_p50 is None else f"{ratio.first_p50:.2f}x"
    load = f"{ratio.kind} x{ratio.connections}"
    return load, ratio.ours, ratio.peer, f"{ratio.calls_a_second:.2f}x", f"{ratio.p50:.2f}x", first


def _caps_table(found: Comparison) -> Table:
    table = Table(title=f"{CALLS} calls at once on a cap of ${CAP_USD}, billed by the provider")
    columns = ("calls", "way", "would cost", "spent", "over the cap", "completed", "cut", "refused", "broken")
    for column in (*columns, "one more", "seconds"):
        table.add_column(column, justify="left" if column in ("calls", "way") else "right")
    for cap in found.caps:
        table.add_row(*_cap_row(cap))
    return table


def _cap_row(cap: CapResult) -> tuple[str, ...]:
    amounts = (cap.would_cost_nanousd, cap.spent_nanousd, cap.over_cap_nanousd)
    counts = (cap.completed, cap.cut, cap.refused, cap.broken)
    afterwards = "broken" if cap.afterwards is None else str(cap.afterwards)
    return cap.kind, cap.way, *map(_usd, amounts), *map(str, counts), afterwards, f"{cap.took_s:.1f}"


def _milliseconds(found: Latency | None) -> tuple[str, str]:
    return ("", "") if found is None else (f"{found.p50_ms:.2f}", f"{found.p99_ms:.2f}")


def _usd(nanousd: int) -> str:
    return f"${nanousd / NANOUSD_PER_USD:.4f}"
