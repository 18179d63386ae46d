import type { ChangeSet, Evidence, IntentRecord, LogRecord } from '../../../../src/events/index.js';
import type { IntentRow } from '../../../../src/model/index.js';
import { isAboutHost, isCounted } from '../../../../src/rules/intent-grounds.js';
import type { Law, World } from '../world.js';

const identityOf = ({ intent, vmId, hostId }: Pick<IntentRow, 'intent' | 'vmId' | 'hostId'>): string =>
  `${intent} of ${vmId ?? '-'}${isAboutHost(intent) ? ` on ${hostId}` : ''}`;

/**
 * Law 7. Advice that was durable and not acknowledged when a process ended waits in the next one, under its key; acknowledged
 * advice does not. No key is given twice. The same advice has one key at a time, and gets another one only when the first
 * one's ground went: its entity changed, a report came that takes it away, or it is counted advice at its next round. Advice goes
 * only by acknowledgement or when its ground goes.
 */
export class IntentsHold implements Law {
  readonly name = '7 (an intent is neither lost nor given a second key)';
  /** Keys in the log. */
  readonly #given = new Map<string, number>();
  /** Advice that holds, as rows handed to the committer say. */
  #held = new Map<string, IntentRow>();
  /** What the process found at its start. */
  #inherited = new Map<string, IntentRow>();
  /** The last complete report of each host. */
  readonly #listed = new Map<string, ReadonlySet<string>>();
  #waiting = new Set<string>();

  async starting(world: World): Promise<void> {
    const stored: IntentRow[] = [];
    for await (const rows of world.store.stateLoader.load('intent')) stored.push(...rows);
    this.#held = new Map(stored.map((row) => [row.key, row]));
    this.#inherited = new Map(stored.map((row) => [identityOf(row), row]));
    this.#listed.clear();
    if (this.#inherited.size < stored.length) world.break(this, 'the same advice is stored under two keys');
    for (const { key, intent } of stored) {
      if (!this.#given.has(key)) world.break(this, `${intent} ${key} is stored, and is not in the log`);
    }
    this.#waiting = new Set(stored.filter((row) => row.acknowledgedAt === null).map((row) => row.key));
  }

  started(world: World): void {
    const pending = new Set(world.process.monitor.intents.pending().map(({ key }) => key));
    // What the start itself has taken away: the status of its host did not hold any more.
    for (const key of this.#waiting) {
      if (!pending.has(key) && this.#held.has(key)) world.break(this, `${key} waited before the restart, and is lost`);
    }
    for (const key of pending) {
      if (!this.#waiting.has(key) && this.#inherited.has(key)) world.break(this, `${key} was done, and waits again`);
    }
  }

  evidence(_: World, evidence: Evidence): void {
    if (evidence.name !== 'VmStatsReceived' || !evidence.stamp.complete) return;
    this.#listed.set(evidence.host, new Set(evidence.report.ids()));
  }

  committed(world: World, { rows, records }: ChangeSet): void {
    const intents = records.filter((record): record is IntentRecord => record.kind === 'intent');
    const changed = new Set(records.filter((r) => r.kind === 'change').map(({ entityId }) => entityId));
    for (const write of rows) {
      if (write.kind !== 'intent' || !('deleted' in write)) continue;
      const key = String(write.deleted[0]);
      const row = this.#held.get(key);
      if (row === undefined) world.break(this, `${key} is withdrawn, and was not given`);
      else this.#judgeEnd(world, row, changed, intents);
      this.#held.delete(key);
    }
    for (const write of rows) {
      if (write.kind !== 'intent' || 'deleted' in write) continue;
      const row = write.row as IntentRow;
      const known = this.#held.get(row.key);
      const record = intents.find(({ key }) => key === row.key);
      if (known === undefined && record === undefined) world.break(this, `${row.key} has a row, and no record`);
      for (const other of this.#held.values()) {
        if (other.key !== row.key && identityOf(other) === identityOf(row)) {
          world.break(this, `${identityOf(row)} is advised as ${other.key} and as ${row.key}`);
        }
      }
      this.#held.set(row.key, row);
    }
    for (const { key } of intents) if (!this.#held.has(key)) world.break(this, `${key} has a record, and no row`);
  }

  flushed(world: World, records: readonly LogRecord[]): void {
    for (const record of records) {
      if (record.kind !== 'intent') continue;
      if (this.#given.has(record.key)) world.break(this, `${record.key} is in the log twice`);
      this.#given.set(record.key, record.seq);
    }
  }

  looked(world: World): void {
    const pending = new Set(world.process.monitor.intents.pending().map(({ key }) => key));
    for (const key of pending) if (!this.#held.has(key)) world.break(this, `${key} waits, and no row says so`);
    for (const [key, { acknowledgedAt }] of this.#held) {
      if (acknowledgedAt === null && this.#given.has(key) && !pending.has(key)) {
        world.break(this, `${key} was given and waits for nobody`);
      }
    }
  }

  #judgeEnd(world: World, row: IntentRow, changed: ReadonlySet<string>, given: readonly IntentRecord[]): void {
    const { vmId, hostId, acknowledgedAt } = row;
    const followedBy = given.find((intent) => identityOf(intent) === identityOf(row));
    if (changed.has(vmId ?? '') || changed.has(hostId ?? '')) return;
    if (followedBy === undefined) {
      const listed = this.#listed.get(hostId ?? '');
      if (listed !== undefined && !listed.has(vmId ?? '')) return;
      world.break(this, `${row.key} is withdrawn, and its ground is still there`);
      return;
    }
    const again = row.intent === 'destroy' && acknowledgedAt !== null;
    const nextRound = followedBy.round !== row.round;
    const first = this.#inherited.get(identityOf(row))?.key === row.key && acknowledgedAt === null;
    if (nextRound && !(first && isCounted(row.intent) && world.process.clock.monotonic() < 20_000)) return;
    if (!again) world.break(this, `${row.key} got a second key: ${followedBy.key}`);
  }
}
