// Stands between the Workers and their Ledger, KV and telemetry queue, so that tests and benchmarks can take each away: a
// closed gate answers every call with an exception, as a Durable Object that is being moved and a KV outage do.
// PUT http://gates.test/ledger/closed and /ledger/open, likewise /kv/… and /queue/…
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";

const closed = new Set();

function pass(gate) {
  if (closed.has(gate)) throw new Error(`${gate} is away`);
}

export class LedgerGate extends DurableObject {}
for (const method of ["admit", "count", "extend", "settle", "record", "status", "configure", "list_sessions", "enqueue"]) {
  LedgerGate.prototype[method] = function (text) {
    pass("ledger");
    return this.env.LEDGER.getByName(this.ctx.id.name)[method](text);
  };
}

export class KvGate extends WorkerEntrypoint {
  get(key, options) {
    pass("kv");
    return this.env.AGENTWATCH_KV.get(key, options);
  }
  put(key, value, options) {
    pass("kv");
    return this.env.AGENTWATCH_KV.put(key, value, options);
  }
}

export class QueueGate extends WorkerEntrypoint {
  async send(text, options) {
    pass("queue");
    await this.env.TELEMETRY_QUEUE.send(text, options);
  }
}

export default {
  fetch(request) {
    const [, gate, state] = new URL(request.url).pathname.split("/");
    if (state === "closed") closed.add(gate);
    else closed.delete(gate);
    return new Response(`${gate} is ${state}\n`);
  },
};
