/**
 * Answers that are written after the call that ordered them has returned, until somebody asks for them.
 *
 * The rule easy to break: absent usage is not zero. A call whose answer is still being written has not ended, so what
 * is held for it stays, and it is settled by the answer of a later request.
 */

import type { RequestOptions } from './interfaces.ts';
import type { Watch } from './watch.ts';

/** Watches of answers that are not written yet, by the answers' ids. The oldest is settled where there are too many. */
export class BackgroundAnswers {
  private readonly watches = new Map<string, Watch>();
  private readonly answersMax: number;

  constructor(answersMax = 1_000) {
    this.answersMax = answersMax;
  }

  keep(id: string, watch: Watch): void {
    this.watches.delete(id);
    this.watches.set(id, watch);
    const [oldest] = this.watches;
    if (this.watches.size <= this.answersMax || oldest === undefined) return;
    this.watches.delete(oldest[0]);
    oldest[1].dropped();
  }

  of(id: string): Watch | null {
    return this.watches.get(id) ?? null;
  }

  /** Another answer to the question how it stands. */
  asked(id: string, watch: Watch, data: unknown, options: RequestOptions | null): unknown {
    this.watches.delete(id);
    return watch.parsed(data, options);
  }
}
