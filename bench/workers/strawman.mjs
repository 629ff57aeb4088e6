// NOT AgentWatch. The strawman that it is compared with: check, then deduct. It reads what is spent, lets the call
// through if that is below the limit, and adds the call's cost when the call has ended. Its accounting is perfect: it
// asks the mock provider itself what was billed. Whatever it overspends comes from the order of the two steps alone.
import { DurableObject } from "cloudflare:workers";

export class Spent extends DurableObject {
  #nanousd = 0;
  read() {
    return this.#nanousd;
  }
  add(nanousd) {
    this.#nanousd += nanousd;
  }
}

async function billedNanousd(mockOrigin, tag) {
  for (;;) {
    const answer = await fetch(`${mockOrigin}/_mock/journal/summary?tag=${tag}`);
    const { totals } = await answer.json();
    if (totals.running === 0) return totals.billed_nanousd;
    await scheduler.wait(100); // the client has left and the provider has not noticed yet
  }
}

export default {
  async fetch(request, env, ctx) {
    const asked = request.headers;
    const account = env.SPENT.getByName(asked.get("x-strawman-session"));
    if ((await account.read()) >= Number(asked.get("x-strawman-limit-nanousd"))) {
      return new Response("over the limit", { status: 402 });
    }
    const upstream = asked.get("x-strawman-upstream");
    const answer = await fetch(upstream, request);
    const { readable, writable } = new IdentityTransformStream();
    const deduct = async () => account.add(await billedNanousd(new URL(upstream).origin, asked.get("x-mock-tag")));
    ctx.waitUntil(answer.body.pipeTo(writable).then(deduct, deduct));
    return new Response(readable, answer);
  },
};
