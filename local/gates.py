"""Gates before the Ledger, KV and the telemetry queue, by which a running stack can take them away
(`Stack(has_gates=True)`)."""

from typing import Any

from local.paths import ROOT

GATES_HOST = "gates.test"
_NAME = "local-gates"
_QUEUE_NAME = "local-queue-gate"


def gates_worker(edge: dict[str, Any]) -> dict[str, Any]:
    """Miniflare's options for the Worker that keeps the gates; it alone has the edge Worker's real bindings."""
    return {
        "name": _NAME,
        "compatibilityDate": edge["compatibilityDate"],
        "modules": [{"type": "ESModule", "path": "gates.mjs", "file": str(ROOT / "local" / "gates.mjs")}],
        "durableObjects": {"LEDGER": {**edge["durableObjects"]["LEDGER"], "scriptName": edge["name"]}},
        "kvNamespaces": edge["kvNamespaces"],
        "queueProducers": edge["queueProducers"],
        "routes": [f"{GATES_HOST}/*"],
    }


def queue_gate() -> dict[str, Any]:
    """What stands for the queue in the edge Worker's environment. A service binding could not: to Pyodide an RPC stub,
    which has every method there is, looks like a generator, whose `send` is its own."""
    script = "export default (env) => ({ send: (text, options) => env.GATE.send(text, options) });"
    return {
        "name": _QUEUE_NAME,
        "modules": [{"type": "ESModule", "path": "queue_gate.mjs", "contents": script}],
        "serviceBindings": {"GATE": {"name": _NAME, "entrypoint": "QueueGate"}},
    }


def behind_gates(worker: dict[str, Any]) -> dict[str, Any]:
    """The options of a Worker that reaches Ledger, KV and telemetry queue through the gates only."""
    producers = dict(worker["queueProducers"])
    is_producer = producers.pop("TELEMETRY_QUEUE", None) is not None
    gate = {"className": "LedgerGate", "scriptName": _NAME, "useSQLite": True}
    return {
        **worker,
        "durableObjects": {**worker["durableObjects"], "LEDGER": gate},
        "kvNamespaces": {},
        "queueProducers": producers,
        "serviceBindings": {"AGENTWATCH_KV": {"name": _NAME, "entrypoint": "KvGate"}},
        "wrappedBindings": {"TELEMETRY_QUEUE": {"scriptName": _QUEUE_NAME}} if is_producer else {},
    }
