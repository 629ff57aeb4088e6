// Stands between the Workers and their Ledger, KV and telemetry queue, so that tests and benchmarks can take each away: a
// closed gate answers every call with an exception, as a Durable Object that is being moved and a KV outage do; a hanging one
// lets it through when the gate is opened, long after its caller has given up.
// PUT http://gates.test/ledger/closed, /ledger/hanging and /ledger/open, likewise /kv/… and /queue/…
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";

const states = new Map();
const LOOK_AGAIN_MS = 100;

async function pass(gate) {
  if (states.get(gate) === "closed") throw new Error(`${gate} is away`);
  while (states.get(gate) === "hanging") await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
}

export class LedgerGate extends DurableObject {
  async tell(text) {
    await pass("ledger");
    return this.env.LEDGER.getByName(this.ctx.id.name).tell(text);
  }
}

export class KvGate extends WorkerEntrypoint {
  async get(key, options) {
    await pass("kv");
    return this.env.AGENTWATCH_KV.get(key, options);
  }
  async put(key, value, options) {
    await pass("kv");
    return this.env.AGENTWATCH_KV.put(key, value, options);
  }
}

export class QueueGate extends WorkerEntrypoint {
  async send(text, options) {
    await pass("queue");
    await this.env.TELEMETRY_QUEUE.send(text, options);
  }
}

export default {
  fetch(request) {
    const [, gate, state] = new URL(request.url).pathname.split("/");
    states.set(gate, state);
    return new Response(`${gate} is ${state}\n`);
  },
};
