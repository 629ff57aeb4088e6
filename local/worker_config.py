"""Turns the deployable wrangler.toml files into the local runtime's configuration.

There is no second, hand-kept description of the Workers: names, bindings, queues and dates are read from what would
be deployed. Only the flags that let workerd take its interpreter from disk are added.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.paths import ROOT

DEVELOPMENT_FLAGS = ["python_workers_development", "experimental"]
MODULES_ROOT = "/app"
SECOND_EDGE_HOST = "second-edge.test"
OWN_MODULE_TYPES = {".py": "PythonModule", ".json": "Data", ".mjs": "ESModule"}


@dataclass(frozen=True, slots=True)
class LocalLimits:
    """The deployed numbers that would be in the way here; None keeps what wrangler.toml says."""

    batch_timeout_s: int | None = 1
    retry_delay_s: int | None = 1
    rate_limit: int | None = 1_000_000


def worker_options(toml_path: Path, variables: dict[str, str], limits: LocalLimits) -> dict[str, Any]:
    """Miniflare's options for one Worker."""
    document = tomllib.loads(toml_path.read_text())
    folder = (toml_path.parent / document["main"]).resolve().parent
    return {
        "name": document["name"],
        **python_worker(folder, document),
        "bindings": variables,
        "kvNamespaces": {each["binding"]: each["id"] for each in document.get("kv_namespaces", [])},
        "durableObjects": {
            each["name"]: {
                "className": each["class_name"],
                "useSQLite": True,
                **({"scriptName": each["script_name"]} if "script_name" in each else {}),
            }
            for each in document.get("durable_objects", {}).get("bindings", [])
        },
        "queueProducers": {
            each["binding"]: {"queueName": each["queue"]} for each in document.get("queues", {}).get("producers", [])
        },
        "queueConsumers": {
            each["queue"]: _consumer(each, limits) for each in document.get("queues", {}).get("consumers", [])
        },
        "ratelimits": {
            each["name"]: {
                "namespace_id": each["namespace_id"],
                "simple": {
                    **each["simple"],
                    "limit": _either(limits.rate_limit, each["simple"]["limit"]),
                },
            }
            for each in document.get("ratelimits", [])
        },
    }


def behind_entry(worker: dict[str, Any], entry: Path) -> dict[str, Any]:
    """The options of a Worker that is run by another module, which may import its own entry."""
    module = {"type": "PythonModule", "path": f"{MODULES_ROOT}/{entry.name}", "file": str(entry)}
    return {**worker, "modules": [module, *worker["modules"]]}


def second_edge(edge: dict[str, Any]) -> dict[str, Any]:
    """The options of another isolate of the edge Worker, with the same Ledgers, KV and queue."""
    ledger = {**edge["durableObjects"]["LEDGER"], "scriptName": edge["name"]}
    return {
        **edge,
        "name": f"{edge['name']}-second",
        "durableObjects": {"LEDGER": ledger},
        "routes": [f"{SECOND_EDGE_HOST}/*"],
    }


def python_worker(folder: Path, document: dict[str, Any]) -> dict[str, Any]:
    """The part of miniflare's options that runs the files of `folder`, by the dates and flags of a wrangler.toml."""
    return {
        "compatibilityDate": document["compatibility_date"],
        "compatibilityFlags": document["compatibility_flags"] + DEVELOPMENT_FLAGS,
        "modulesRoot": MODULES_ROOT,
        "modules": [*_own_modules(folder), *_package_modules(ROOT / "python_modules")],
    }


def _consumer(consumer: dict[str, Any], limits: LocalLimits) -> dict[str, Any]:
    return {
        "maxBatchSize": consumer["max_batch_size"],
        "maxBatchTimeout": _either(limits.batch_timeout_s, consumer["max_batch_timeout"]),
        "maxRetries": consumer["max_retries"],
        "retryDelay": _either(limits.retry_delay_s, consumer["retry_delay"]),
        **({"deadLetterQueue": consumer["dead_letter_queue"]} if "dead_letter_queue" in consumer else {}),
    }


def _either(here: int | None, deployed: int) -> int:
    return deployed if here is None else here


def _own_modules(folder: Path) -> list[dict[str, str]]:
    """Our files, the entry first: the first module is the one that is run."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in OWN_MODULE_TYPES)
    files.sort(key=lambda path: path != folder / "entry.py")
    return [
        {
            "type": OWN_MODULE_TYPES[path.suffix],
            "path": f"{MODULES_ROOT}/{path.relative_to(folder)}",
            "file": str(path),
        }
        for path in files
    ]


def _package_modules(folder: Path) -> list[dict[str, str]]:
    modules = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or "__pycache__" in path.parts or path.suffix == ".pyi":
            continue
        is_script = path.suffix == ".js" and path.parent.name == "workers"
        place = f"{MODULES_ROOT}/python_modules/{path.relative_to(folder)}"
        modules.append({"type": "ESModule" if is_script else "Data", "path": place, "file": str(path)})
    return modules
