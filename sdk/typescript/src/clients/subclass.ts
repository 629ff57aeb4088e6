/**
 * A client's class with one method of its own: `request()`, through which every call of both SDKs goes once.
 *
 * `super.request()` is given a promise of the options, in which the budget is asked first, and its own promise is
 * handed back: nobody here calls `then`, `catch` or `await` on it, since that would read the answer, and a dropped one
 * would be reported as unhandled twice. The class keeps the original's name, which is part of the user agent.
 */

import type { AgentWatchOptions } from '../settings.ts';
import type { Client, ClientClass, Collaborators, RequestOptions, Watched, WatchedInstance } from './interfaces.ts';
import { ClientWatch } from './clientWatch.ts';
import { constructorOptionsOf, sendsByMakeRequest } from './privateNames.ts';

/** In a client's constructor options, so that its copies share it. */
const KEPT = Symbol.for('agentwatch.clientWatch');
const IS_WATCHED = Symbol.for('agentwatch.isWatched');
const WATCHES = Symbol.for('agentwatch.clientWatches');

/** Of all copies of this package, so that a client which one of them watches is not watched twice. */
const watches = ((globalThis as { [WATCHES]?: WeakMap<object, ClientWatch> })[WATCHES] ??= new WeakMap());

/** A class is derived once, so that every client of it is of one class. */
type Subclasses = (base: ClientClass) => ClientClass;

type Given = AgentWatchOptions & { readonly [KEPT]?: ClientWatch };
type Request = (options: unknown, remainingRetries?: number | null, ...rest: unknown[]) => unknown;

/** The functions of the package's entry, over what is built elsewhere. */
export function clientsWith(collaborators: Collaborators): {
  watched<Base extends ClientClass>(base: Base): Watched<Base>;
  wrap<Instance extends object>(client: Instance, options?: AgentWatchOptions): Instance;
} {
  const subclasses = subclassesWith(collaborators);
  return {
    watched: (base) => subclasses(base) as never,
    wrap: (client, options = {}) => wrapped(client, options, collaborators, subclasses),
  };
}

function subclassesWith(collaborators: Collaborators): Subclasses {
  const made = new WeakMap<ClientClass, ClientClass>();
  return (base) => {
    if ((base as { [IS_WATCHED]?: true })[IS_WATCHED] === true) return base;
    const known = made.get(base) ?? subclass(base, collaborators);
    made.set(base, known);
    return known;
  };
}

function subclass(base: ClientClass, collaborators: Collaborators): ClientClass {
  const Subclass = class extends base {
    constructor(...given: unknown[]) {
      const [options, ...rest] = given;
      const watch = watchFor((options ?? {}) as Given, collaborators);
      super({ ...withoutOurs((options ?? {}) as Given), [KEPT]: watch }, ...rest);
      watches.set(this, watch);
      watch.attached(this as unknown as Client);
    }
  };
  const parent = base.prototype as { request: Request; makeRequest: Request; prepareRequest?: Request };
  define(Subclass.prototype, 'request', function (this: Client, options, remainingRetries = null) {
    const watch = watchOf(this, collaborators);
    return watch.request(this, options, (prepared) => parent.request.call(this, prepared, remainingRetries));
  });
  define(Subclass.prototype, 'prepareRequest', async function (this: Client, request, context, ...rest) {
    await parent.prepareRequest?.call(this, request, context as never, ...rest);
    watchOf(this, collaborators).sending(request as RequestInit, (context as { options?: RequestOptions }).options);
  });
  if (sendsByMakeRequest(parent)) {
    define(Subclass.prototype, 'makeRequest', function (this: Client, options, ...rest) {
      const send = (): Promise<unknown> => parent.makeRequest.call(this, options, ...(rest as [])) as Promise<unknown>;
      return watchOf(this, collaborators).attempt(options, send);
    });
  }
  Object.defineProperty(Subclass, 'name', { value: base.name });
  Object.defineProperty(Subclass, IS_WATCHED, { value: true });
  return Subclass;
}

/** The same client, of another class: private fields, identity and the resources it has made are kept. */
function wrapped<Instance extends object>(
  client: Instance,
  options: AgentWatchOptions,
  collaborators: Collaborators,
  subclasses: Subclasses,
): Instance {
  const present = watches.get(client);
  const watch = present === undefined ? new ClientWatch(options, collaborators) : present.with(options);
  watch.check(client as unknown as Client);
  if (present === undefined) {
    const watchedClass = subclasses(client.constructor as ClientClass);
    Object.setPrototypeOf(client, watchedClass.prototype as object);
  }
  const kept = constructorOptionsOf(client);
  if (kept !== null) kept[KEPT] = watch;
  watches.set(client, watch);
  watch.attached(client as unknown as Client);
  return client;
}

/** A copy shares what its model has, unless it is given settings of its own. */
function watchFor(options: Given, collaborators: Collaborators): ClientWatch {
  const ours = oursOf(options);
  const kept = options[KEPT];
  if (kept === undefined) return new ClientWatch(ours, collaborators);
  return Object.keys(ours).length === 0 ? kept : kept.with(ours);
}

function watchOf(client: object, collaborators: Collaborators): ClientWatch {
  const known = watches.get(client);
  if (known !== undefined) return known;
  const kept = constructorOptionsOf(client)?.[KEPT];
  const made = (kept as ClientWatch | undefined) ?? new ClientWatch({}, collaborators);
  watches.set(client, made);
  return made;
}

/** All that begin with our name, known or not: which there are is the settings' to judge. */
function oursOf(options: Given): AgentWatchOptions {
  return Object.fromEntries(Object.entries(options).filter(([name]) => isOurs(name)));
}

function withoutOurs(options: Given): object {
  const left: Record<string | symbol, unknown> = { ...options };
  for (const name of Object.keys(left)) if (isOurs(name)) delete left[name];
  return left;
}

function isOurs(name: string): boolean {
  return name.startsWith('agentwatch');
}

function define(prototype: object, name: string, value: (this: Client, ...given: never[]) => unknown): void {
  Object.defineProperty(prototype, name, { value, configurable: true, writable: true, enumerable: false });
}

export type { Watched, WatchedInstance };
