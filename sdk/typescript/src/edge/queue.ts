/**
 * Reports that wait, bounded in records and in bytes: the oldest are dropped, and counted.
 *
 * Plain data, so that requests of a Worker may share it: what one of them could not send, the next one does.
 */

export const RECORDS_MAX = 10_000;
/** What waits while AgentWatch is away; a report has some five hundred bytes. */
export const BYTES_MAX = 8_000_000;
export const BATCH_RECORDS_MAX = 500;
export const BATCH_BYTES_MAX = 250_000;

export class ReportQueue {
  private records: string[] = [];
  /** Where the first of `records` is: shifting an array of thousands moves all of them. */
  private first = 0;
  bytes = 0;
  /** Reports that came in, ever; `finished` of them are sent, refused or dropped. */
  taken = 0;
  finished = 0;
  dropped = 0;

  get length(): number {
    return this.records.length - this.first;
  }

  add(record: string): void {
    this.records.push(record);
    this.bytes += record.length;
    this.taken += 1;
    this.keepBounds();
  }

  /** The oldest ones, at least one where there is any. */
  takeBatch(recordsMax: number): string[] {
    const batch: string[] = [];
    let bytes = 0;
    while (this.length > 0 && batch.length < recordsMax) {
      bytes += (this.records[this.first] as string).length + 1;
      if (batch.length > 0 && bytes > BATCH_BYTES_MAX) break;
      batch.push(this.shift());
    }
    return batch;
  }

  /** To the front: they are the oldest, and the first to be dropped. */
  putBack(batch: readonly string[]): void {
    this.records = [...batch, ...this.records.slice(this.first)];
    this.first = 0;
    for (const record of batch) this.bytes += record.length;
    this.keepBounds();
  }

  /** Reports that nobody will send. */
  drop(count: number): void {
    this.dropped += count;
    this.finished += count;
  }

  private keepBounds(): void {
    while (this.length > RECORDS_MAX || this.bytes > BYTES_MAX) {
      this.shift();
      this.drop(1);
    }
  }

  private shift(): string {
    const record = this.records[this.first] as string;
    this.first += 1;
    this.bytes -= record.length;
    if (this.first > 1_000 && this.first * 2 > this.records.length) {
      this.records = this.records.slice(this.first);
      this.first = 0;
    }
    return record;
  }
}
