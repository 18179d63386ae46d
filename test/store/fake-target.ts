import { formatCursor, type LogRecord } from '../../src/events/index.js';
import { SeededRandom, silentTelemetry, VirtualTime, VurtiError } from '../../src/kernel/index.js';
import { BatchingCommitter, type BatchingCommitterOptions } from '../../src/store/batching-committer.js';
import {
  type Batch,
  DataRefused,
  type FlushContent,
  type FlushMark,
  type FlushTarget,
} from '../../src/store/flush-target.js';

/** A target that takes as long, and fails, as told. */
class FakeTarget implements FlushTarget {
  /** What was committed, a batch per transaction. */
  readonly written: Batch[] = [];
  readonly probes: FlushContent[] = [];
  calls = 0;
  /** Thrown by the next calls, one each. */
  readonly failures: Error[] = [];
  /** Ids of rows (first part of the key) that are refused. */
  readonly refused = new Set<string>();
  refusesRecord: (message: string) => boolean = () => false;
  refusesVm: (vmId: string) => boolean = () => false;
  #gate: Promise<void> = Promise.resolve();
  #seq = 0;

  /** The calls from now on wait until the gate is opened. */
  shut(): () => void {
    let open: () => void = () => undefined;
    this.#gate = new Promise((resolve) => {
      open = resolve;
    });
    return open;
  }

  async write(batch: Batch): Promise<readonly LogRecord[]> {
    this.calls += 1;
    await this.#gate;
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    this.#check(batch);
    this.written.push(batch);
    return batch.records.map((draft) => {
      this.#seq += 1;
      return { ...draft, seq: this.#seq, cursor: formatCursor({ epoch: 1, seq: this.#seq }) };
    });
  }

  async lastMark(): Promise<FlushMark | null> {
    return this.written.at(-1)?.mark ?? null;
  }

  async probe(batch: FlushContent): Promise<void> {
    this.probes.push(batch);
    this.#check(batch);
  }

  #check(batch: FlushContent): void {
    for (const { key } of batch.rows) {
      if (this.refused.has((JSON.parse(key) as string[])[0] ?? '')) throw new DataRefused('too odd');
    }
    for (const { vmId } of batch.usage ?? []) if (this.refusesVm(vmId)) throw new DataRefused('too large');
    for (const record of batch.records) {
      if (record.kind === 'event' && this.refusesRecord(record.message)) throw new DataRefused('unspeakable');
    }
  }
}

export const unreachable = (): VurtiError => new VurtiError('DATABASE_UNREACHABLE', 'the cable is out');

export function setup(options: Partial<BatchingCommitterOptions> = {}) {
  const time = new VirtualTime();
  const target = new FakeTarget();
  const committer = new BatchingCommitter({
    target,
    writer: 'test',
    clock: time,
    scheduler: time,
    random: new SeededRandom(1),
    telemetry: silentTelemetry,
    ...options,
  });
  return { time, target, committer };
}
