// Asks and charges Ledgers as `bindings/ledger.py` does. Reads JSON from standard input, a list of steps, and writes what the
// Ledgers were told, and what Python heard. A step is {ask: text, of: tenant, ms}, {charge: text, of: tenant, isUrgent}, {waitMs},
// or {says}: how Ledgers answer from now on. They answer each line by itself, fail ("fail"), have no stub ("no stub"),
// hang ("hang"), or say one thing whatever they are told.
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";

const platform = "data:text/javascript,export const waitUntil = (promise) => globalThis.seenThrough.push(promise);";
registerHooks({
  resolve: (name, context, next) =>
    name === "cloudflare:workers" ? { url: platform, shortCircuit: true } : next(name, context),
});
globalThis.seenThrough = [];
const { ask, charge } = await import("../../src/bindings/ledgers.mjs");

const told = [];
const heard = {};
const destroyed = [];
let says = null;

const namespace = {
  getByName(tenant) {
    if (says === "no stub") throw new Error(says);
    return {
      async tell(text) {
        told.push([tenant, text]);
        if (says === "hang") await new Promise(() => {});
        if (says === "fail") throw new Error(says);
        return says ?? text.replaceAll(/.+/g, (line) => (line.startsWith("charge") ? `settled ${line}` : `granted ${line}`));
      },
    };
  },
};

for (const step of JSON.parse(readFileSync(0, "utf8"))) {
  if ("says" in step) says = step.says;
  if (step.waitMs) await new Promise((resolve) => setTimeout(resolve, step.waitMs));
  if (step.charge) {
    const otherwise = async (text, hasHung) => void (heard[step.charge] = text ?? (hasHung ? "hung" : "failed"));
    otherwise.destroy = () => destroyed.push(step.charge);
    charge(100, namespace, step.of ?? "acme", step.charge, step.isUrgent ?? false, otherwise, "settled", "recorded");
  }
  if (step.ask) {
    const asked = ask(step.ms ?? 100, namespace, step.of ?? "acme", step.ask);
    globalThis.seenThrough.push(asked.then(
      (text) => (heard[step.ask] = text),
      (fault) => (heard[step.ask] = fault.name === "TimeoutError" ? "hung" : "failed"),
    ));
  }
}
await Promise.all(globalThis.seenThrough);
process.stdout.write(JSON.stringify({ told, heard, destroyed }));
