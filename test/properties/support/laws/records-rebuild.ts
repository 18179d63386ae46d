import type { ChangeSet, LogRecord } from '../../../../src/events/index.js';
import { keyOf, type RowKind, sameValue } from '../../../../src/model/index.js';
import { plainRecord, plainValue } from '../../../../src/store/plain-value.js';
import { difference, entityKey, entityOfRow, type Flat, Fold, foldedKinds, rowKey } from '../fold.js';
import type { Law, World } from '../world.js';

const folded: ReadonlySet<RowKind> = new Set(foldedKinds);
const plain = (row: object): Flat => plainValue(row) as Flat;
/** Whether the parts, laid over each other, are the entity: rows are wide, and laying them over costs more than looking. */
const isMadeOf = (told: Flat, parts: readonly object[]): boolean => {
  for (const part of parts as readonly Flat[]) {
    for (const name in part) {
      if (!Object.hasOwn(told, name)) return false;
      if (!sameValue(told[name], part[name]) && !sameValue(told[name], plainValue(part[name]))) return false;
    }
  }
  for (const name in told) if (!parts.some((part) => Object.hasOwn(part, name))) return false;
  return true;
};
const ownerOf = (key: string): string => {
  const end = key.indexOf(' ');
  return entityOfRow(key.slice(0, end) as RowKind, JSON.parse(key.slice(end + 1)) as string[]);
};

/**
 * Law 2. Every change of a row stands in a change record of the same change set, with what was before and what is then, and
 * no row is written that nothing changed in. Folded from the first one on, the change records alone come to the stored rows
 * and to the repositories, in every process and at every moment.
 */
export class RecordsRebuild implements Law {
  readonly name = '2 (change records rebuild the state)';
  /** By what was handed to the committer in this process. */
  #fold = new Fold();
  #rows = new Map<string, { readonly owner: string; readonly row: Flat }>();
  /** By what is durable. */
  readonly #durable = new Fold();
  #seq = 0;
  /** Entities of the repositories as they were compared last. */
  #compared = new Map<string, object>();

  async starting(world: World): Promise<void> {
    await this.#compareStored(world);
    this.#fold = this.#durable.copy();
    this.#rows = new Map([...this.#fold.rows()].map(([key, row]) => [key, { owner: ownerOf(key), row }]));
    this.#compared = new Map();
  }

  committed(world: World, { rows, records }: ChangeSet): void {
    const touched = new Set<string>();
    for (const draft of records) {
      if (draft.kind !== 'change') continue;
      const record = plainRecord(draft) as typeof draft;
      for (const problem of this.#fold.apply(record)) world.break(this, `${record.cause.rule}: ${problem}`);
      touched.add(entityKey(record));
    }
    for (const write of rows) {
      if (!folded.has(write.kind)) continue;
      const key = `${write.kind} ${keyOf(write)}`;
      const before = this.#rows.get(key);
      if ('deleted' in write) {
        if (before === undefined) world.break(this, `${key} is deleted, and there is none`);
        touched.add(entityOfRow(write.kind, write.deleted));
        this.#rows.delete(key);
        continue;
      }
      const row = plain(write.row);
      if (before !== undefined && sameValue(before.row, row)) {
        world.break(this, `${key} is written, and nothing is new`);
      }
      const owner = before?.owner ?? ownerOf(key);
      touched.add(owner);
      this.#rows.set(key, { owner, row });
    }
    if (touched.size === 0) return;
    const because = records.map(({ cause }) => cause.rule).join(', ');
    const rowsOfTouched = new Map<string, Flat>();
    for (const [key, { owner, row }] of this.#rows) if (touched.has(owner)) rowsOfTouched.set(key, row);
    this.#compare(world, this.#fold.rows(touched), rowsOfTouched, because);
  }

  flushed(world: World, records: readonly LogRecord[]): void {
    for (const record of records) {
      if (record.seq !== this.#seq + 1) world.break(this, `record ${record.seq} comes after ${this.#seq}`);
      this.#seq = record.seq;
      if (record.kind === 'change')
        for (const problem of this.#durable.apply(record)) world.break(this, `in the log: ${problem}`);
    }
  }

  looked(world: World): void {
    const { sets, inventory } = world.process;
    const same = (
      entity: 'host' | 'vm' | 'cluster',
      id: string,
      held: object,
      parts: () => readonly object[],
    ): void => {
      if (this.#compared.get(`${entity} ${id}`) === held) return;
      this.#compared.set(`${entity} ${id}`, held);
      const told = this.#fold.get(entity, id);
      if (told !== undefined && isMadeOf(told, parts())) return;
      const now = plain(Object.assign({}, ...parts()));
      world.break(this, `records and repository differ in ${entity} ${id}: ${difference(told, now)}`);
    };
    for (const id of sets.hosts.ids()) {
      const host = sets.hosts.get(id);
      if (host !== undefined) {
        same('host', id, host, () => [host.static, host.dynamic, { interfaces: host.interfaces }]);
      }
    }
    for (const id of sets.vms.ids()) {
      const vm = sets.vms.get(id);
      if (vm === undefined) continue;
      const { guestInterfaces, jobs, devices } = vm;
      same('vm', id, vm, () => [vm.static, vm.dynamic, { guestInterfaces, jobs, devices }]);
    }
    for (const cluster of inventory.clusters()) same('cluster', cluster.id, cluster, () => [cluster]);
    const count = (entity: 'host' | 'vm', held: number): void => {
      const told = this.#fold.ids(entity).length;
      if (told !== held) world.break(this, `by the records there are ${told} ${entity}s, in the repository ${held}`);
    };
    count('host', sets.hosts.size);
    count('vm', sets.vms.size);
  }

  async ended(world: World): Promise<void> {
    await this.#compareStored(world);
    const log = await world.store.logReader.read({ epoch: 0, seq: 0 }, Number.MAX_SAFE_INTEGER);
    if (log.length !== this.#seq) world.break(this, `the log has ${log.length} records, ${this.#seq} were committed`);
  }

  async #compareStored(world: World): Promise<void> {
    const stored = new Map<string, Flat>();
    for (const kind of foldedKinds) {
      for await (const rows of world.store.stateLoader.load(kind)) {
        for (const row of rows) stored.set(rowKey(kind, plain(row)), plain(row));
      }
    }
    this.#compare(world, this.#durable.rows(), stored, 'in the database');
  }

  #compare(world: World, told: ReadonlyMap<string, Flat>, rows: ReadonlyMap<string, Flat>, because: string): void {
    for (const key of new Set([...told.keys(), ...rows.keys()])) {
      const [a, b] = [told.get(key), rows.get(key)];
      if (a === undefined || b === undefined || !sameValue(a, b)) {
        world.break(this, `${because}: records and rows differ in ${key}: ${difference(a, b)}`);
      }
    }
  }
}
