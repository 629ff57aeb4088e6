// A tenant's Ledger, asked by one call of Python's: the stub, the deadline and the promise stay here.
//
// A charge waits a little for the next question that this isolate asks the same Ledger, and goes along with it: a text of
// several lines, answered line by line. So most charges cost neither a call of their own nor a transaction of their own.
//
// An urgent one, by more of which than its money others are decided, goes at once: a sequential agent's next call may come
// by way of another isolate.
//
// The rules easy to break: charges that wait come before the question, so that a caller's next call in this isolate is decided
// after the end of its last one; a charge goes to the Ledger even when the request that took it along is lost, for then it is told again by its
// own; and one that is taken wakes no Python.
import { waitUntil } from "cloudflare:workers";
import { late, within } from "./deadlines.mjs";

const COMPANY_MS = 20; // A busy isolate asks every few ms. Nobody waits for a charge, and until then the money stays held.
const TOGETHER_MAX = 50; // A record may have 20 KB, and a question waits for all charges before it.

const waiting = new Map(); // by tenant: charges that nobody has taken along so far

// What the Ledger says, after the charges that wait; without a text, to those alone.
export async function ask(milliseconds, namespace, tenant, text) {
  const charges = waiting.get(tenant) ?? [];
  waiting.delete(tenant);
  try {
    const lines = [...charges.map((charge) => charge.text), ...(text === undefined ? [] : [text])];
    const said = String(await within(milliseconds, namespace.getByName(tenant), "tell", lines.join("\n")));
    const answers = said.split("\n");
    if (answers.length !== lines.length) throw new Error("the Ledger answered something else");
    charges.forEach((charge, place) => charge.resolve(answers[place]));
    return answers.at(-1);
  } catch (fault) {
    for (const charge of charges) charge.reject(fault);
    throw fault;
  }
}

// Tell it, also after the answer has gone out; without waiting for company where it `isUrgent`. `otherwise` hears what it says unless that begins in one of the `expected`
// ways; or, where it says nothing, whether it took all the time it had.
export function charge(milliseconds, namespace, tenant, text, isUrgent, otherwise, ...expected) {
  waitUntil(charged(milliseconds, namespace, tenant, text, isUrgent, otherwise, expected));
}

async function charged(milliseconds, namespace, tenant, text, isUrgent, otherwise, expected) {
  let said, fault;
  try {
    said = await accompanied(milliseconds, namespace, tenant, text, isUrgent);
  } catch (error) {
    fault = error;
  }
  if (expected.some((beginning) => said?.startsWith(beginning))) otherwise.destroy();
  else await otherwise(said, fault?.name === "TimeoutError");
}

async function accompanied(milliseconds, namespace, tenant, text, isUrgent) {
  const charge = { text, ...Promise.withResolvers() };
  waiting.set(tenant, [...(waiting.get(tenant) ?? []), charge]);
  if (isUrgent || waiting.get(tenant).length >= TOGETHER_MAX) ask(milliseconds, namespace, tenant).catch(() => {});
  let timer = setTimeout(() => {
    if (waiting.get(tenant)?.includes(charge)) ask(milliseconds, namespace, tenant).catch(() => {});
    timer = setTimeout(() => charge.reject(late("tell")), milliseconds); // whoever took it along may be lost
  }, COMPANY_MS);
  try {
    return await charge.promise;
  } finally {
    clearTimeout(timer);
  }
}
