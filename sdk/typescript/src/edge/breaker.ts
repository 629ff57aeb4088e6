/**
 * Whether AgentWatch is worth asking just now: an outage costs one time-out, not one for each call.
 *
 * Shared by every client of a process that asks the same place, and plain data, so that requests of a Worker may share
 * it too. After a failure nobody asks for a pause that grows; then one asks, and the others go by what that one hears.
 * The clock is an argument.
 */

export const PAUSE_SECONDS_FIRST = 1;
export const PAUSE_SECONDS_MAX = 60;
/** After so long nobody will hear of the one who asked: its request was cancelled. */
export const PROBE_SECONDS_MAX = 10;

export class Breaker {
  private failures = 0;
  private asksAgainAt = 0;
  private isProbing = false;

  /** True for everybody while all is well. After a pause for one, who must tell how it went. */
  mayAsk(nowSeconds: number): boolean {
    if (this.failures === 0) return true;
    if (nowSeconds < this.asksAgainAt) return false;
    this.isProbing = true;
    this.asksAgainAt = nowSeconds + PROBE_SECONDS_MAX;
    return true;
  }

  succeeded(): void {
    this.failures = 0;
    this.isProbing = false;
  }

  /** Failures of questions that were asked together count as one: they say the same. */
  failed(nowSeconds: number, leastSeconds: number | null): void {
    if (this.failures > 0 && !this.isProbing) return;
    const pause = Math.min(PAUSE_SECONDS_MAX, PAUSE_SECONDS_FIRST * 2 ** Math.min(this.failures, 10));
    this.failures += 1;
    this.isProbing = false;
    this.asksAgainAt = nowSeconds + Math.max(pause, leastSeconds ?? 0);
  }
}
