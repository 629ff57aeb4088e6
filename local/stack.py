"""The whole local stack as one value: mock providers, PostgreSQL with PostgREST, and both Workers in workerd.

Use it as a context manager. Ports are free ones unless the edge's is given; state lives in `state_dir` and survives
a restart unless `fresh`.
"""

import base64
import hashlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal
from urllib.parse import quote
from urllib.request import Request, urlopen

from local.database import Database, signed_token
from local.gates import GATES_HOST, behind_gates, gates_worker, queue_gate
from local.paths import BUNDLE_DIR, INTERPRETER_SNAPSHOT, NODE, ROOT, WORKERD
from local.processes import Child, StackError, answers, free_port, require_free
from local.worker_config import LocalLimits, behind_entry, second_edge, worker_options

PROVIDER_PATHS = {
    "OPENAI": "/openai/v1",
    "ANTHROPIC": "/anthropic/v1",
    "GEMINI": "/gemini",
    "GROQ": "/groq/openai/v1",
    "XAI": "/xai/v1",
}
WARM_TIMEOUT_S = 90.0
PATIENT_S = 30.0
"""For an answer at start-up: whoever gives up earlier only asks again."""
RECEIVERS_HERE = {"ALLOW_PRIVATE_RECEIVERS": "true"}
"""Alerts may go to a receiver on this machine."""

Say = Callable[[str], None]


@dataclass
class Stack:
    """A running stack. Build it, enter it, use its URLs and tokens, leave it.

    `env` overrides Worker variables and secrets by name; `kv` holds further KV entries (values JSON-able). With
    `has_gates` the Ledger, KV and the telemetry queue can be taken away by `set_gate`; with `has_second_edge` another
    isolate of the edge Worker answers at `SECOND_EDGE_HOST`.
    """

    state_dir: Path
    port: int = 0
    fresh: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    kv: Mapping[str, Any] = field(default_factory=dict)
    with_database: bool = True
    limits: LocalLimits = field(default_factory=LocalLimits)
    extra_workers: list[dict[str, Any]] = field(default_factory=list)
    has_gates: bool = False
    has_second_edge: bool = False
    edge_entry: Path | None = None
    """A module that stands in front of the edge Worker's own entry, such as one that counts."""
    inspector_port: int = 0
    """Where V8's inspector listens; 0 leaves it off."""
    say: Say = lambda message: None

    def __enter__(self) -> "Stack":
        self._database: Database | None = None
        self._mock: Child | None = None
        self._workers: Child | None = None
        self.state_dir = self.state_dir.resolve()
        self.log_dir = self.state_dir / "logs"
        if self.fresh:
            shutil.rmtree(self.state_dir, ignore_errors=True)
        if self.port:
            require_free(self.port, "the edge Worker")
        self.port = self.port or free_port()
        self._identity = _identity(self.state_dir)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def edge_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def tokens(self) -> dict[str, str]:
        return dict(self._identity["tokens"])

    @property
    def database(self) -> Database:
        assert self._database is not None, "the stack has a database of its own"
        return self._database

    def describe(self) -> dict[str, Any]:
        """What `.local/stack.json` says."""
        return {
            "edge_url": self.edge_url,
            "rest_url": f"{self.supabase_url}/rest/v1",
            "postgres_dsn": self.postgres_dsn,
            "mock_url": self.mock_url,
            "tokens": self.tokens,
            "service_role_jwt": self.service_role_jwt,
            "control_url": self._control_url,
            "control_secret": self._identity["control_secret"],
            "pid": os.getpid(),
        }

    def stop(self) -> None:
        """End everything that was started, in reverse order."""
        for part in (self._workers, self._mock):
            if part is not None:
                part.stop()
        if self._database is not None:
            self._database.stop()
        self._workers = self._mock = self._database = None

    def restart_workers(self) -> None:
        """Kill workerd without warning, unless it was before, and start it again on the same port and state."""
        if self._workers is not None:
            self.kill_workers()
        self._start_workers()

    def kill_workers(self) -> None:
        assert self._workers is not None
        self._workers.stop(signal.SIGKILL)
        self._workers = None

    def workerd_pid(self) -> int:
        """The process that runs the Workers."""
        assert self._workers is not None
        found = subprocess.run(
            ["pgrep", "-g", str(self._workers.process.pid), "workerd"],
            capture_output=True,
            text=True,
            check=True,
        )
        return int(found.stdout.split()[0])

    def put_kv(self, key: str, value: Any) -> None:
        """Write a KV entry; anything but text is stored as JSON."""
        text = value if isinstance(value, str) else json.dumps(value)
        self._control("PUT", f"/kv?key={quote(key, safe='')}", text)

    def get_kv(self, key: str) -> str | None:
        value = self._control("GET", f"/kv?key={quote(key, safe='')}")["value"]
        return None if value is None else str(value)

    def list_kv(self, prefix: str = "") -> list[str]:
        """Keys in order, at most a thousand."""
        return list(self._control("GET", f"/kv/keys?prefix={quote(prefix, safe='')}"))

    def evict(self, tenant: str) -> None:
        """Drop a tenant's Ledger from memory, as the platform does with an idle one; its rows stay."""
        self._control("POST", f"/evict?class=Ledger&name={quote(tenant, safe='')}")

    def set_gate(self, name: Literal["ledger", "kv", "queue"], *, is_open: bool, hangs: bool = False) -> None:
        """Take the Ledger, KV or the telemetry queue away from the Workers, or give it back; one that hangs does not
        even say so. Only with `has_gates`."""
        state = "open" if is_open else "hanging" if hangs else "closed"
        url = f"{self.edge_url}/{name}/{state}"
        with urlopen(Request(url, method="PUT", headers={"host": GATES_HOST}), timeout=30) as response:
            assert response.status == 200

    def run_cron(self, worker: str, cron: str) -> Any:
        """Run a Worker's scheduled handler now."""
        return self._control("POST", f"/scheduled?worker={quote(worker)}&cron={quote(cron)}")

    def _start(self) -> None:
        self._start_mock()
        self._start_database()
        self._start_workers()

    def _start_mock(self) -> None:
        self.say("starting the mock providers")
        port = free_port()
        self.mock_url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "mock_llm", "--port", str(port)]
        self._mock = Child("mock_llm", command, self.log_dir, cwd=ROOT)
        self._mock.wait_until(lambda: answers(f"{self.mock_url}/_mock/health", timeout_s=PATIENT_S), timeout_s=30)

    def _start_database(self) -> None:
        self.supabase_url = os.environ.get("SUPABASE_URL", "")
        self.service_role_jwt = os.environ.get("SUPABASE_SERVICE_ROLE_KEY", "")
        self.postgres_dsn: str | None = None
        if self.supabase_url or not self.with_database:
            return
        self.say("starting PostgreSQL and PostgREST")
        secret = self._identity["jwt_secret"]
        self._database = Database(self.state_dir, self.log_dir, secret)
        self.supabase_url, self.postgres_dsn = self._database.url, self._database.dsn
        self.service_role_jwt = signed_token("service_role", secret)

    def _start_workers(self) -> None:
        self.say("starting the Workers")
        subprocess.run([sys.executable, ROOT / "tools" / "stage.py"], check=True)
        ready_file = self.state_dir / "workers.ready.json"
        ready_file.unlink(missing_ok=True)
        self._workers = Child(
            "workers",
            [NODE, ROOT / "local" / "workers.mjs", self._write_workers_config(ready_file)],
            self.log_dir,
            env={"MINIFLARE_WORKERD_PATH": str(_workerd_wrapper(self.state_dir))},
            cwd=ROOT,
        )
        self._workers.wait_until(ready_file.exists, timeout_s=WARM_TIMEOUT_S)
        ready = json.loads(ready_file.read_text())
        self._control_url = f"http://127.0.0.1:{ready['control']}"
        self.worker_urls: dict[str, str] = ready["urls"]
        self._seed()
        self._workers.wait_until(
            lambda: answers(f"{self.edge_url}/healthz", timeout_s=PATIENT_S), timeout_s=WARM_TIMEOUT_S
        )

    def _write_workers_config(self, ready_file: Path) -> Path:
        consumer_variables = {
            "SUPABASE_URL": self.supabase_url,
            "SUPABASE_SERVICE_ROLE_KEY": self.service_role_jwt,
            "KEY_ENCRYPTION_KEY": self._sealing_key(),
            **RECEIVERS_HERE,
            **self.env,
        }
        consumer_toml = ROOT / "queue_consumer" / "wrangler.toml"
        workers = [
            worker_options(ROOT / "wrangler.toml", self._edge_variables(), self.limits),
            worker_options(consumer_toml, consumer_variables, self.limits),
        ]
        if self.edge_entry is not None:
            workers[0] = behind_entry(workers[0], self.edge_entry)
        if self.has_second_edge:
            workers.append(second_edge(workers[0]))
        if self.has_gates:
            workers = [*map(behind_gates, workers), gates_worker(workers[0]), queue_gate()]
        config = {
            "port": self.port,
            "inspectorPort": self.inspector_port,
            "state": str(self.state_dir / "workers"),
            "readyFile": str(ready_file),
            "controlSecret": self._identity["control_secret"],
            "workers": [*workers, *self.extra_workers],
        }
        path = self.state_dir / "workers.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(config))
        return path

    def _edge_variables(self) -> dict[str, str]:
        """Mock providers and dummy keys, unless a real key or base URL is given for a provider."""
        given = {
            **_dev_vars(),
            **{k: v for k, v in os.environ.items() if _is_provider_variable(k)},
            **self.env,
        }
        variables = {
            "TENANT_TOKEN_MAP": json.dumps({self.tokens["static"]: "static-tenant"}),
            "OPERATOR_TOKEN": self.tokens["operator"],
            "KEY_ENCRYPTION_KEY": self._sealing_key(),
            "PASSED_HEADERS": "x-mock, x-mock-tag",  # what the mock providers are told by
            **RECEIVERS_HERE,
            **self._records_variables(),
        }
        for provider, path in PROVIDER_PATHS.items():
            if f"{provider}_API_KEY" in given or f"{provider}_BASE_URL" in given:
                continue
            variables[f"{provider}_BASE_URL"] = self.mock_url + path
            variables[f"{provider}_API_KEY"] = f"sk-mock-{provider.lower()}"
        return {**variables, **given}

    def _records_variables(self) -> dict[str, str]:
        """What usage and the like are read with: nothing where the database is somebody else's, whose secret stays
        there."""
        if self._database is None:
            return {}
        return {"SUPABASE_URL": self.supabase_url, "SUPABASE_JWT_SECRET": self._identity["jwt_secret"]}

    def _sealing_key(self) -> str:
        """By which both Workers seal, made of this state's own secret."""
        key = hashlib.sha256(f"sealing:{self._identity['jwt_secret']}".encode()).digest()
        return f"local:{base64.b64encode(key).decode()}"

    def _seed(self) -> None:
        for name, tenant, team, role in (
            ("live", "demo", "research", "member"),
            ("admin", "demo", None, "admin"),
            ("other_tenant", "other", None, "member"),
        ):
            digest = hashlib.sha256(self.tokens[name].encode()).hexdigest()
            record = {
                "tenant": tenant,
                "team": team,
                "role": role,
                "key_id": f"key_{name}",
                "disabled": False,
            }
            self.put_kv(f"key:{digest}", record)
        for tenant in ("demo", "other"):
            if self.get_kv(f"t:{tenant}:config") is None:
                self.put_kv(f"t:{tenant}:config", {"requests_per_minute": 1_000_000})
        for key, value in self.kv.items():
            self.put_kv(key, value)

    def _control(self, method: str, path: str, body: str = "") -> Any:
        request = Request(
            self._control_url + path,
            method=method,
            data=body.encode() if method == "PUT" else None,
            headers={"authorization": f"Bearer {self._identity['control_secret']}"},
        )
        with urlopen(request, timeout=30) as response:
            return json.loads(response.read())


def _identity(state_dir: Path) -> dict[str, Any]:
    """Tokens and secrets of this state, made once at random."""
    path = state_dir / "identity.json"
    if not path.exists():
        state_dir.mkdir(parents=True, exist_ok=True)
        names = ("live", "admin", "other_tenant", "static", "operator")
        identity = {
            "tokens": {name: f"aw_live_{secrets.token_hex(24)}" for name in names},
            "jwt_secret": secrets.token_hex(32),
            "control_secret": secrets.token_hex(16),
        }
        path.write_text(json.dumps(identity))
        path.chmod(0o600)
    return dict(json.loads(path.read_text()))


def _workerd_wrapper(state_dir: Path) -> Path:
    """workerd, told where the interpreter is and how it looks when it has started: miniflare has no options for it."""
    if not (BUNDLE_DIR / "pyodide_dev.capnp.bin").exists():
        raise StackError("the Pyodide bundle is missing; run `make setup`")
    if not INTERPRETER_SNAPSHOT.exists():
        raise StackError("the interpreter's snapshot is missing; run `make setup`")
    path = state_dir / "workerd"
    options = (
        f'--pyodide-bundle-disk-cache-dir="{BUNDLE_DIR}" --python-snapshot-dir="{INTERPRETER_SNAPSHOT.parent}" '
        f'--python-load-snapshot="{INTERPRETER_SNAPSHOT.name}"'
    )
    path.write_text(f'#!/bin/sh\nverb="$1"; shift\nexec "{WORKERD}" "$verb" {options} "$@"\n')
    path.chmod(0o755)
    return path


def _dev_vars() -> dict[str, str]:
    """`.dev.vars` as wrangler reads it: NAME=value lines."""
    path = ROOT / ".dev.vars"
    if not path.exists():
        return {}
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, value in pairs}


def _is_provider_variable(name: str) -> bool:
    provider, _, kind = name.partition("_")
    return provider in PROVIDER_PATHS and kind in ("API_KEY", "BASE_URL")
