/**
 * Whether AgentWatch can be reached, for calls that would go through it and may also go directly.
 *
 * No runtime lets `fetch` bound its connecting alone, and an answer may take minutes, so a small request is made before
 * a call where nothing is known of late. The rule easy to break: an outage costs its time-out once. While it lasts,
 * calls go directly without waiting, and one small request in a while looks whether it is over.
 */

import type { Fetch, ProxyReach } from './interfaces.ts';

const GOOD_FOR_MS = 30_000;
const ASK_AGAIN_AFTER_MS = 5_000;
const REACHES = Symbol.for('agentwatch.reaches');

export class HealthReach implements ProxyReach {
  private readonly url: string;
  private readonly timeoutMs: number;
  private readonly fetch: Fetch;
  private readonly nowMs: () => number;
  private isUp: boolean | null = null;
  private askedAtMs = 0;

  constructor(baseURL: string, timeoutMs: number, fetchHealth: Fetch, nowMs: () => number = () => Date.now()) {
    this.url = `${baseURL}/healthz`;
    this.timeoutMs = timeoutMs;
    this.fetch = fetchHealth;
    this.nowMs = nowMs;
  }

  async isReachable(): Promise<boolean> {
    const age = this.nowMs() - this.askedAtMs;
    if (this.isUp === true && age < GOOD_FOR_MS) return true;
    if (this.isUp !== false) return this.ask();
    if (age >= ASK_AGAIN_AFTER_MS) void this.ask();
    return false;
  }

  failed(): void {
    this.isUp = false;
    this.askedAtMs = this.nowMs();
  }

  /** Any answer is one: what it says is for the call to find out. Never throws. */
  private async ask(): Promise<boolean> {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), this.timeoutMs);
    if (this.isUp === false) this.askedAtMs = this.nowMs();
    try {
      const response = await this.fetch(this.url, { signal: controller.signal, redirect: 'manual' });
      await response.body?.cancel();
      this.isUp = true;
    } catch {
      this.isUp = false;
    } finally {
      clearTimeout(timer);
    }
    this.askedAtMs = this.nowMs();
    return this.isUp;
  }
}

/** One for each address in a process, whichever copy of this package asks. */
export function sharedReach(baseURL: string, timeoutSeconds: number): ProxyReach {
  const kept = globalThis as { [REACHES]?: Map<string, ProxyReach> };
  const reaches = (kept[REACHES] ??= new Map());
  const known =
    reaches.get(baseURL) ?? new HealthReach(baseURL, timeoutSeconds * 1_000, (...given) => globalThis.fetch(...given));
  reaches.set(baseURL, known);
  return known;
}
