"""wrangler, run in a checkout of the project, and what its answers mean.

It is asked in JSON where it has some, by exact name, with the account always given and nothing to type in; secrets go
by its standard input. Its own record of the command (`WRANGLER_OUTPUT_FILE_PATH`) says why one failed and where a
Worker answers; what it prints for people is read only for queues, of which it prints nothing else. Forms of 4.164.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .steps import StepFailed

COMMAND = ("npx", "wrangler")
TIMEOUT_S = 600
SAID_LINES_MAX = 15

_NOT_THERE = ("does not exist", "not found", "script_not_found", "[code: 10007]")
"""How wrangler and the API say that there is no such Worker or queue."""


_HOST = re.compile(r"(?:https://)?([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?: \(custom domain.*\))?", re.ASCII)
"""Where a Worker answers to everything. A route's pattern, a queue or a schedule is no such place."""


class WranglerFailed(StepFailed):
    """A command failed; the message quotes it."""

    @property
    def is_not_there(self) -> bool:
        return any(sign in str(self) for sign in _NOT_THERE)


@dataclass(frozen=True)
class Account:
    id: str
    name: str


@dataclass(frozen=True)
class Done:
    """What a command printed, and its own record of it."""

    text: str
    record: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Wrangler:
    project: Path
    account_id: str
    _seen: dict[tuple[str, ...], str] = field(default_factory=dict, repr=False)
    """What lists have said, until something is changed: a plan asks for the same ones again and again."""

    def kv_namespace_ids(self, title: str) -> tuple[str, ...]:
        """Of the namespaces with exactly this title."""
        found = _json(self._asked("kv", "namespace", "list"))
        return tuple(str(each["id"]) for each in found if each.get("title") == title)

    def create_kv_namespace(self, title: str) -> None:
        self._changed("kv", "namespace", "create", title)

    def has_queue(self, name: str) -> bool:
        try:
            text = self._asked("queues", "info", name)
        except WranglerFailed as fault:
            if fault.is_not_there:
                return False
            raise
        return f"Queue Name: {name}" in (line.strip() for line in text.splitlines())

    def create_queue(self, name: str) -> None:
        self._changed("queues", "create", name)

    def secret_names(self, config: str) -> frozenset[str]:
        """None of a Worker that is not there yet."""
        try:
            found = _json(self._asked("secret", "list", "-c", config))
        except WranglerFailed as fault:
            if fault.is_not_there:
                return frozenset()
            raise
        return frozenset(str(each["name"]) for each in found)

    def put_secrets(self, config: str, secrets: Mapping[str, str]) -> None:
        """All in one request, so that no Worker runs with half of them."""
        self._changed("secret", "bulk", "-c", config, typed=json.dumps(dict(secrets)))

    def deployed_tag(self, config: str) -> str | None:
        """Of the version that was deployed last; None where there is no such Worker. Versions that a change of secrets
        has made are of the code before them."""
        try:
            versions = _json(self._asked("versions", "list", "-c", config, "--json"))
        except WranglerFailed as fault:
            if fault.is_not_there:
                return None
            raise
        notes = [dict(each.get("annotations") or {}) for each in reversed(versions)]
        deployed = (each for each in notes if each.get("workers/triggered_by") != "secret")
        return str(next(deployed, {}).get("workers/tag") or "")

    def deploy(self, config: str, tag: str) -> tuple[str, ...]:
        """The addresses where the Worker answers from now on."""
        done = self._changed("deploy", "-c", config, "--tag", tag)
        targets = [str(each) for entry in done.record for each in entry.get("targets") or ()]
        hosts = sorted((match[1] for match in map(_HOST.fullmatch, targets) if match), key=_is_of_cloudflare)
        return tuple(f"https://{host}" for host in hosts)

    def _asked(self, *arguments: str) -> str:
        if arguments not in self._seen:
            self._seen[arguments] = run(self.project, arguments, account_id=self.account_id).text
        return self._seen[arguments]

    def _changed(self, *arguments: str, typed: str = "") -> Done:
        self._seen.clear()
        return run(self.project, arguments, account_id=self.account_id, typed=typed)


def accounts(project: Path) -> tuple[Account, ...]:
    """Those of whoever is logged in. Raises `StepFailed` where nobody is."""
    try:
        found = json.loads(run(project, ("whoami", "--json")).text)
    except (WranglerFailed, ValueError):
        found = {}
    if not found.get("loggedIn"):
        raise StepFailed("wrangler is not logged in: run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN")
    return tuple(Account(str(each["id"]), str(each["name"])) for each in found.get("accounts") or ())


def typed_line(*arguments: str) -> str:
    """A command as a person would type it."""
    return " ".join((*COMMAND, *arguments))


def run(project: Path, arguments: Sequence[str], *, account_id: str = "", typed: str = "") -> Done:
    """Raises `WranglerFailed`."""
    with tempfile.TemporaryDirectory(prefix="agentwatch-") as folder:
        record_path = Path(folder) / "wrangler.ndjson"
        environment = {
            **os.environ,
            "WRANGLER_OUTPUT_FILE_PATH": str(record_path),
            "WRANGLER_SEND_METRICS": "false",
            "NO_COLOR": "1",
            **({"CLOUDFLARE_ACCOUNT_ID": account_id} if account_id else {}),
        }
        try:
            done = subprocess.run(
                [*COMMAND, *arguments], cwd=project, env=environment, input=typed, capture_output=True, text=True,
                timeout=TIMEOUT_S,
            )  # fmt: skip
        except FileNotFoundError:
            raise StepFailed("npx is not there: install Node.js 22.12 or newer, or run `make setup`") from None
        except subprocess.TimeoutExpired:
            raise WranglerFailed(f"{typed_line(*arguments)}: no end after {TIMEOUT_S} s") from None
        record = _record(record_path)
    if done.returncode != 0:
        raise WranglerFailed(f"{typed_line(*arguments)}: {_why(done, record)}")
    return Done(done.stdout, record)


def _record(path: Path) -> tuple[Mapping[str, Any], ...]:
    if not path.exists():
        return ()
    return tuple(json.loads(line) for line in path.read_text().splitlines() if line.strip())


def _why(done: subprocess.CompletedProcess[str], record: Sequence[Mapping[str, Any]]) -> str:
    """Its own record says it in one piece; where it kept none, the last that it printed."""
    for entry in record:
        if entry.get("type") == "command-failed":
            code = f" [code: {entry['code']}]" if entry.get("code") else ""
            return f"{entry['message']}{code}"
    return "\n".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-SAID_LINES_MAX:])


def _is_of_cloudflare(host: str) -> bool:
    """A domain of one's own comes first."""
    return host.endswith(".workers.dev")


def _json(text: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(text)
    except ValueError:
        raise WranglerFailed(f"wrangler's list is no JSON: {text[:200]}") from None
    return list(found)
