"""Gates before the Ledger and KV, by which a stack can take them away while it runs (`Stack(has_gates=True)`)."""

from typing import Any

from local.paths import ROOT

GATES_HOST = "gates.test"
_NAME = "local-gates"


def gates_worker(edge: dict[str, Any]) -> dict[str, Any]:
    """Miniflare's options for the Worker that keeps the gates; it alone has the edge Worker's real bindings."""
    return {
        "name": _NAME,
        "compatibilityDate": edge["compatibilityDate"],
        "modules": [{"type": "ESModule", "path": "gates.mjs", "file": str(ROOT / "local" / "gates.mjs")}],
        "durableObjects": {"LEDGER": {**edge["durableObjects"]["LEDGER"], "scriptName": edge["name"]}},
        "kvNamespaces": edge["kvNamespaces"],
        "routes": [f"{GATES_HOST}/*"],
    }


def behind_gates(worker: dict[str, Any]) -> dict[str, Any]:
    """The options of a Worker that reaches Ledger and KV through the gates only."""
    gate = {"className": "LedgerGate", "scriptName": _NAME, "useSQLite": True}
    return {
        **worker,
        "durableObjects": {**worker["durableObjects"], "LEDGER": gate},
        "kvNamespaces": {},
        "serviceBindings": {"AGENTWATCH_KV": {"name": _NAME, "entrypoint": "KvGate"}},
    }
