"""Two Workers beside the edge, for tests that talk to a Ledger without the edge in between.

`ledger-direct` passes messages to the edge's own Ledger objects. `ledger-counted` is a second edge bundle whose entry
subclasses the Ledger to count what the storage says was written: the platform tells that to nobody outside.
"""

from typing import Any

from local.paths import ROOT
from local.worker_config import MODULES_ROOT, LocalLimits, worker_options

DIRECT_HOST = "ledger-direct.test"
COUNTED_HOST = "ledger-counted.test"

_DIRECT_SCRIPT = """\
export default {
  async fetch(request, env) {
    const { tenant, text } = await request.json();
    try {
      return new Response(await env.LEDGER.getByName(tenant).tell(text));
    } catch (error) {
      return new Response(String(error), { status: 502 });
    }
  },
};
"""

_COUNTED_ENTRY = '''\
import json
import time

from js import Response
from workers import WorkerEntrypoint

from durable_objects import object as ledger_object
from bindings.ffi import platform_env
from core.ledger.questions import read_question, to_wire


class CountingSql(ledger_object.ObjectSql):
    rows_written = rows_read = 0
    fails_after = None

    def execute(self, sql, *values):
        if CountingSql.fails_after is not None:
            CountingSql.fails_after -= 1
            if CountingSql.fails_after < 0:
                CountingSql.fails_after = None
                raise RuntimeError("a fault of the storage")
        cursor = self._sql.exec(sql, *values)
        rows = [tuple(row) for row in cursor.raw().toArray()]
        CountingSql.rows_written += cursor.rowsWritten
        CountingSql.rows_read += cursor.rowsRead
        return rows


ledger_object.ObjectSql = CountingSql


class Ledger(ledger_object.Ledger):
    async def counted(self, calls):
        """Each call's answer, with the rows that it read and wrote."""
        answers = []
        for kind, message in json.loads(calls):
            read, written = CountingSql.rows_read, CountingSql.rows_written
            now_ms = time.time_ns() // 1_000_000
            if kind == "sweep":
                self._service().sweep(now_ms + message["later_ms"])
                answer = {}
            elif kind == "journal":
                journal = self._service().journal
                deliveries = journal.next()
                if deliveries:
                    journal.delivered(deliveries[-1].up_to)
                journal.plan(now_ms)
                answer = {"texts": [each.text for each in deliveries]}
            else:
                question = read_question(json.dumps({**message, "type": kind}))
                answer = json.loads(to_wire(self._service().answer(question, now_ms)))
            answers.append([answer, CountingSql.rows_read - read, CountingSql.rows_written - written])
        return json.dumps(answers)


    async def interrupted(self, calls):
        """The last call's answer by the object's own way in, its storage failing once after so many statements."""
        for kind, message in json.loads(calls):
            CountingSql.fails_after = message.pop("fails_after", None)
            answer = self.tell(json.dumps({**message, "type": kind}))
            CountingSql.fails_after = None
        return answer


class Default(WorkerEntrypoint):
    async def fetch(self, request):
        body = json.loads(await request.text())
        stub = platform_env().LEDGER.getByName(body["tenant"])
        return Response.new(await getattr(stub, body["how"])(json.dumps(body["calls"])))
'''


def direct_worker() -> dict[str, Any]:
    return {
        "name": "ledger-direct",
        "compatibilityDate": "2026-01-01",
        "modules": [{"type": "ESModule", "path": "direct.mjs", "contents": _DIRECT_SCRIPT}],
        "durableObjects": {"LEDGER": {"className": "Ledger", "scriptName": "agentwatch", "useSQLite": True}},
        "routes": [f"{DIRECT_HOST}/*"],
    }


def counted_worker() -> dict[str, Any]:
    options = worker_options(ROOT / "wrangler.toml", {}, LocalLimits())
    entry = {"type": "PythonModule", "path": f"{MODULES_ROOT}/entry.py", "contents": _COUNTED_ENTRY}
    return {
        **options,
        "name": "ledger-counted",
        "modules": [entry, *options["modules"][1:]],
        "routes": [f"{COUNTED_HOST}/*"],
    }
