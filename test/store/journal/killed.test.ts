import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogRecord } from '../../../src/events/index.js';
import { SeededRandom, silentTelemetry, VirtualTime } from '../../../src/kernel/index.js';
import { BatchingCommitter } from '../../../src/store/batching-committer.js';
import type { Batch, FlushContent, FlushTarget } from '../../../src/store/flush-target.js';
import { MemoryContent } from '../../../src/store/memory/memory-content.js';
import { MemoryTarget } from '../../../src/store/memory/memory-target.js';
import { vmSet } from '../samples.js';
import { MemoryFiles } from './memory-files.js';

const RUNS = process.env['VURTI_SOAK'] === '1' ? 5000 : 150;
const LIVES = 4;

/** A machine that goes down at one of its steps: nothing it was about to do happens any more. */
class Machine {
  steps = 0;
  readonly #downAt: number;

  constructor(downAt: number) {
    this.#downAt = downAt;
  }

  get isDown(): boolean {
    return this.steps >= this.#downAt;
  }

  async step(): Promise<void> {
    this.steps += 1;
    if (this.isDown) await new Promise(() => undefined);
  }
}

/** The database, on another machine: it may commit what this one then does not hear of. */
class RemoteTarget implements FlushTarget {
  readonly inner: MemoryTarget;
  readonly #machine: Machine;
  /** The commit goes through, the answer is lost. */
  deaf = false;

  constructor(inner: MemoryTarget, machine: Machine) {
    this.inner = inner;
    this.#machine = machine;
  }

  async write(batch: Batch): Promise<readonly LogRecord[]> {
    await this.#machine.step();
    // As PostgreSQL's target finds out by the head of the log.
    if (this.#doubt?.mark === batch.mark.number) return this.#settled();
    const records = await this.inner.write(batch);
    if (this.deaf) {
      this.#doubt = { mark: batch.mark.number, records };
      this.deaf = false;
      this.inner.outage = 'the cable is out';
      throw new Error('the answer is lost');
    }
    await this.#machine.step();
    return records;
  }

  #doubt: { readonly mark: number; readonly records: readonly LogRecord[] } | null = null;

  #settled(): readonly LogRecord[] {
    if (this.inner.outage !== null) throw new Error(this.inner.outage);
    const records = this.#doubt?.records ?? [];
    this.#doubt = null;
    return records;
  }

  async probe(content: FlushContent): Promise<void> {
    await this.inner.probe(content);
  }

  async lastMark() {
    await this.#machine.step();
    return await this.inner.lastMark();
  }
}

interface Life {
  readonly downAt: number;
  readonly actions: readonly { readonly what: 'commit' | 'out' | 'deaf' | 'back' | 'wait'; readonly much: number }[];
}

const life: fc.Arbitrary<Life> = fc.record({
  downAt: fc.integer({ min: 1, max: 120 }),
  actions: fc.array(
    fc.record({
      what: fc.constantFrom('commit', 'commit', 'commit', 'out', 'out', 'deaf', 'back', 'wait'),
      much: fc.integer({ min: 1, max: 30 }),
    }),
    { minLength: 5, maxLength: 40 },
  ),
});

const toOf = (record: LogRecord): number => (record.kind === 'change' ? Number(record.changes[0]?.to) : -1);

/** Lives on one database and one folder, one after the other; each ends by a kill. Throws when a promise is broken. */
async function live(lives: readonly Life[], withJournal: boolean, seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const content = new MemoryContent();
  let files: MemoryFiles | null = null;
  let given = 0;
  const expectedAtLeast = new Set<number>();
  for (const { downAt, actions } of [...lives, { downAt: Number.POSITIVE_INFINITY, actions: [] }]) {
    const time = new VirtualTime();
    files = files === null ? new MemoryFiles(time) : files.afterCrash(time, random);
    const machine = new Machine(downAt);
    files.before = () => machine.step();
    const process = {};
    const writer = content.claim(process, 1);
    const inner = new MemoryTarget({
      ...{ content, writer: process, maxRecords: 1e9, refuse: undefined, onStatement: undefined },
    });
    const target = new RemoteTarget(inner, machine);
    const committer = new BatchingCommitter({
      ...{ target, writer, clock: time, scheduler: time, random, telemetry: silentTelemetry },
      journal: withJournal ? { files, maxBytes: 1e6 } : undefined,
      flush: { records: 7, rows: 10 },
      retry: { firstMs: 5, mostMs: 40 },
      slowFlushMs: 20,
    });
    committer.committed$.subscribe((records) => {
      for (const record of records) expectedAtLeast.add(toOf(record));
    });
    let recovered = false;
    void committer.recover().then(() => {
      recovered = true;
    });
    for (let i = 0; i < 200 && !recovered && !machine.isDown; i++) await time.runFor(50);
    const shown: number[] = [];
    for (const { what, much } of actions) {
      if (!recovered || machine.isDown) break;
      if (what === 'commit') {
        for (let i = 0; i < much; i++) {
          const number = given++;
          committer.commit(vmSet(`vm-${number % 3}`, String(number)), () => {
            if (machine.isDown) return;
            shown.push(number);
            // What is shown while the journal keeps, and all before it, must be there for ever.
            if (committer.state().journal?.mode === 'keeping') for (const one of shown) expectedAtLeast.add(one);
          });
        }
      }
      if (what === 'out') inner.outage = 'the cable is out';
      if (what === 'deaf') target.deaf = true;
      if (what === 'back') inner.outage = null;
      await time.runFor(what === 'commit' ? much % 7 : much * 3);
    }
    expect(shown).toEqual([...shown].sort((a, b) => a - b));
  }
  const log = content.records(1, content.window.head).map(toOf);
  // In order, and each once; what is there is a beginning of what each life was given.
  expect(log).toEqual([...new Set(log)].sort((a, b) => a - b));
  expect([...expectedAtLeast].filter((number) => !log.includes(number))).toEqual([]);
  // Each row is as the last record about it says.
  const rows = content.rows('vm_dynamic') as { id: string; guestOs: string }[];
  for (const { id, guestOs } of rows) {
    expect(Number(guestOs)).toBe(log.findLast((number) => `vm-${number % 3}` === id));
  }
}

describe.each([
  ['with a journal', true],
  ['without one', false],
])('killed at any step of a flush, %s', (_, withJournal) => {
  it('nothing that was promised is missing, and nothing is there twice', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: LIVES }), fc.integer(), (lives, seed) =>
        live(lives, withJournal, seed),
      ),
      { numRuns: RUNS },
    );
  });
});
