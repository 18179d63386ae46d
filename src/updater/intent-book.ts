import { type Cause, type Change, Channel, type Intent, type IntentRecord, type LogRecord } from '../events/index.js';
import type { Clock } from '../kernel/index.js';
import type { IntentRow, RowWrite, VmStatsReport } from '../model/index.js';
import { isAboutHost, isAboutRemains, isCounted, isIntentKind, isWithdrawnBy } from '../rules/index.js';

export interface IntentBookOptions {
  readonly clock: Clock;
  /** Writes rows down that no decision of a rule goes with. */
  readonly write: (rows: readonly RowWrite[]) => void;
}

interface Holding {
  row: IntentRow;
  readonly record: IntentRecord;
  /** Delivered only when it is committed; one that was loaded is. */
  committed: boolean;
  cursor: string | null;
  /** The last process gave it, and it is not known here yet which round it is. */
  inherited: boolean;
}

/** A leftover that is listed so long after its destruction was acknowledged was not destroyed: it is advised again. */
const NOT_DONE_MS = 300_000;
const none: readonly RowWrite[] = [];

/**
 * The advice that holds (D25): given, and its ground not gone. The same advice is given once however often its ground is
 * seen again, through restarts, because it stands in the database from the moment it is given until it is withdrawn; it
 * is delivered until it is acknowledged. Bounded by the entities: one per kind, VM and host.
 */
export class IntentBook {
  readonly #o: IntentBookOptions;
  readonly #byKey = new Map<string, Holding>();
  readonly #byIdentity = new Map<string, Holding>();
  readonly #byVm = new Map<string, Set<Holding>>();
  readonly #byHost = new Map<string, Set<Holding>>();
  readonly #delivered = new Channel<Intent>();
  /** Committed advice as it comes, and at the start what was left from before. */
  readonly delivered$ = this.#delivered.stream$;

  constructor(options: IntentBookOptions) {
    this.#o = options;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** At start, before any evidence. Gives how many rows were not understood. */
  load(rows: readonly IntentRow[]): number {
    let unknown = 0;
    for (const row of rows) {
      if (isIntentKind(row.intent))
        this.#hold({ row, record: recordOf(row), committed: true, cursor: null, inherited: true });
      else unknown += 1;
    }
    return unknown;
  }

  /** Tells subscribers of what was loaded and nobody has acknowledged. */
  redeliver(): void {
    for (const intent of this.pending()) this.#delivered.publish(intent);
  }

  /** The rows that go with new advice; null: it was given already. */
  admit(record: IntentRecord): readonly RowWrite[] | null {
    const known = this.#byIdentity.get(identityOf(record));
    if (known !== undefined && !this.#isNewRound(known, record)) return null;
    const rows: RowWrite[] = [];
    if (known !== undefined) rows.push(this.#drop(known));
    const row = rowOf(record);
    this.#hold({ row, record, committed: false, cursor: null, inherited: false });
    rows.push({ kind: 'intent', row });
    return rows;
  }

  /** The rows of advice whose ground this change takes away. */
  follow(change: Change): readonly RowWrite[] {
    const about = 'vm' in change ? this.#byVm.get(change.vm.id) : this.#byHost.get(change.host.id);
    if (about === undefined) return none;
    return [...about].filter(({ row }) => isWithdrawnBy(row, change)).map((holding) => this.#drop(holding));
  }

  /** A complete report of the host is here: what it does not list needs not be destroyed there. */
  reported(hostId: string, report: Pick<VmStatsReport, 'has'>): void {
    const about = this.#byHost.get(hostId);
    if (about === undefined) return;
    const gone = [...about].filter(
      ({ row }) => isAboutRemains(row.intent) && row.vmId !== null && !report.has(row.vmId),
    );
    if (gone.length > 0) this.#o.write(gone.map((holding) => this.#drop(holding)));
  }

  /** Records were committed: their advice may be delivered now. */
  committed(records: readonly LogRecord[]): void {
    for (const record of records) {
      if (record.kind !== 'intent') continue;
      const holding = this.#byKey.get(record.key);
      if (holding !== undefined) {
        holding.committed = true;
        holding.cursor = record.cursor;
      }
      this.#delivered.publish(record);
    }
  }

  pending(): Intent[] {
    const intents: Intent[] = [];
    for (const holding of this.#byKey.values()) {
      if (holding.committed && holding.row.acknowledgedAt === null) {
        intents.push({ ...holding.record, cursor: holding.cursor });
      }
    }
    return intents;
  }

  isPending(key: string): boolean {
    return this.#byKey.get(key)?.row.acknowledgedAt === null;
  }

  /** False when nothing of this key waits: acknowledged before, withdrawn, or never given. */
  acknowledge(key: string): boolean {
    const holding = this.#byKey.get(key);
    if (holding === undefined || holding.row.acknowledgedAt !== null) return false;
    holding.row = { ...holding.row, acknowledgedAt: this.#o.clock.now() };
    this.#o.write([{ kind: 'intent', row: holding.row }]);
    return true;
  }

  stop(): void {
    this.#delivered.complete();
  }

  #isNewRound(known: Holding, record: IntentRecord): boolean {
    const { acknowledgedAt, round } = known.row;
    // Counting of rounds begins anew with a process: what the last one left open is the first round of this one.
    if (known.inherited && acknowledgedAt === null && isCounted(record.intent)) {
      known.inherited = false;
      return false;
    }
    if (round !== record.round) return true;
    return isAboutRemains(record.intent) && acknowledgedAt !== null && record.time > acknowledgedAt + NOT_DONE_MS;
  }

  #hold(holding: Holding): void {
    const { row, record } = holding;
    this.#byKey.set(row.key, holding);
    this.#byIdentity.set(identityOf(record), holding);
    if (row.vmId !== null) addTo(this.#byVm, row.vmId, holding);
    if (row.hostId !== null && isAboutHost(row.intent)) addTo(this.#byHost, row.hostId, holding);
  }

  #drop(holding: Holding): RowWrite {
    const { row, record } = holding;
    this.#byKey.delete(row.key);
    this.#byIdentity.delete(identityOf(record));
    if (row.vmId !== null) removeFrom(this.#byVm, row.vmId, holding);
    if (row.hostId !== null && isAboutHost(row.intent)) removeFrom(this.#byHost, row.hostId, holding);
    return { kind: 'intent', deleted: [row.key] };
  }
}

/** What makes two pieces of advice the same, whenever they are given. */
function identityOf({ intent, vmId, hostId }: Pick<IntentRecord, 'intent' | 'vmId' | 'hostId'>): string {
  return `${intent}|${vmId ?? ''}|${isAboutHost(intent) ? (hostId ?? '') : ''}`;
}

function rowOf(record: IntentRecord): IntentRow {
  const { key, intent, round, vmId, hostId, clusterId, time, correlation, advisory, cause, evidence } = record;
  const { since } = record;
  return {
    ...{ key, intent, round, vmId, hostId, clusterId, time, since, correlation, advisory, cause, evidence },
    acknowledgedAt: null,
  };
}

function recordOf(row: IntentRow): IntentRecord {
  const { key, round, vmId, hostId, clusterId, since, correlation, advisory } = row;
  return {
    kind: 'intent',
    intent: row.intent as IntentRecord['intent'],
    ...{ key, round, vmId, hostId, clusterId, since, correlation, advisory },
    time: row.time ?? 0,
    cause: row.cause as Cause,
    evidence: row.evidence ?? {},
  };
}

function addTo(index: Map<string, Set<Holding>>, id: string, holding: Holding): void {
  const set = index.get(id);
  if (set === undefined) index.set(id, new Set([holding]));
  else set.add(holding);
}

function removeFrom(index: Map<string, Set<Holding>>, id: string, holding: Holding): void {
  const set = index.get(id);
  set?.delete(holding);
  if (set?.size === 0) index.delete(id);
}
