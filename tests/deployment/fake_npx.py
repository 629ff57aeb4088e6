#!/usr/bin/env python3
"""`npx wrangler`, as 4.164 answers where it is asked by `agentwatch init`; what it made is kept in a file.

`FAKE_WRANGLER` is that file's folder. Its `die_after` holds a number: that change is made, and then whoever asked for it
is killed. tests/deployment/test_real_wrangler.py holds these answers against wrangler's own.
"""

import json
import os
import signal
import sys
from pathlib import Path

FOLDER = Path(os.environ["FAKE_WRANGLER"])
STATE = FOLDER / "state.json"
BANNER = "\n ⛅️ wrangler 4.164.0\n────────────────────\n"


def main(arguments: list[str]) -> int:
    state = json.loads(STATE.read_text()) if STATE.exists() else {}
    state.setdefault("changes", [])
    state.setdefault("asked_by", os.environ.get("CLOUDFLARE_ACCOUNT_ID", ""))
    config = arguments[arguments.index("-c") + 1] if "-c" in arguments else "wrangler.toml"
    worker = "agentwatch-telemetry" if "queue_consumer" in config else "agentwatch"
    match arguments[1:]:
        case ["whoami", "--json"]:
            print(json.dumps({"loggedIn": True, "accounts": [{"id": "a" * 32, "name": "Acme"}]}))
        case ["kv", "namespace", "list"]:
            print(json.dumps(state.get("kv", []), indent=2))
        case ["kv", "namespace", "create", title]:
            kv = state.setdefault("kv", [])
            kv.append({"id": f"{len(kv) + 1:032x}", "title": title, "supports_url_encoding": True})
            changed(state, f"kv {title}", f'{BANNER}🌀 Creating namespace with title "{title}"\n✨ Success!\n')
        case ["queues", "info", name]:
            if name not in state.get("queues", []):
                return failed(f'Queue "{name}" does not exist. To create it, run: wrangler queues create {name}')
            print(f"{BANNER}Queue Name: {name}\nQueue ID: {1:032x}\nNumber of Producers: 0\nNumber of Consumers: 0")
        case ["queues", "create", name]:
            state.setdefault("queues", []).append(name)
            changed(state, f"queue {name}", f"{BANNER}🌀 Creating queue '{name}'\n✅ Created queue '{name}'\n")
        case ["secret", "list", "-c", _]:
            if worker not in state.get("versions", {}):
                return failed(f'Worker "{worker}" not found.')
            print(json.dumps([{"name": name, "type": "secret_text"} for name in state.get(worker, {})], indent=2))
        case ["secret", "bulk", "-c", _]:
            given = json.loads(sys.stdin.read())
            state.setdefault(worker, {}).update(given)
            state["versions"][worker].append({"annotations": {"workers/triggered_by": "secret"}})
            changed(
                state, f"secrets {worker}", "\n".join(f"✨ Successfully created secret for key: {n}" for n in given)
            )
        case ["versions", "list", "-c", _, "--json"]:
            if worker not in state.get("versions", {}):
                return failed(f"A request to the Cloudflare API (…/{worker}/versions) failed.", code=10007)
            print(json.dumps(state["versions"][worker], indent=2))
        case ["deploy", "-c", _, "--tag", tag]:
            versions = state.setdefault("versions", {}).setdefault(worker, [])
            versions.append({"annotations": {"workers/tag": tag}})
            if worker == "agentwatch":
                record(
                    {
                        "type": "deploy",
                        "targets": ["https://agentwatch.acme.workers.dev", "Producer for agentwatch-telemetry"],
                    }
                )
            else:
                record({"type": "deploy", "targets": ["schedule: 0 8 * * *"]})
            changed(state, f"deploy {worker}", BANNER + "Uploaded")
        case _:
            return failed(f"Unknown arguments: {arguments}")
    return 0


def changed(state: dict[str, object], what: str, said: str) -> None:
    changes = state["changes"]
    assert isinstance(changes, list)
    changes.append(what)
    STATE.write_text(json.dumps(state, indent=1))
    deadly = FOLDER / "die_after"
    if deadly.exists() and int(deadly.read_text()) == len(changes):
        deadly.unlink()
        os.kill(os.getppid(), signal.SIGKILL)
    print(said)


def record(entry: dict[str, object]) -> None:
    with Path(os.environ["WRANGLER_OUTPUT_FILE_PATH"]).open("a") as file:
        file.write(json.dumps({"version": 1, **entry}) + "\n")


def failed(message: str, **beside: int) -> int:
    record({"type": "command-failed", "message": message, **beside})
    print(f"✘ [ERROR] {message}\n", file=sys.stderr)
    return 1


sys.exit(main(sys.argv[1:]))
