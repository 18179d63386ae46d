import type { ChangeRecord } from '../../../src/events/index.js';
import {
  clusterFields,
  clusterNetworkFields,
  type Fields,
  initialRow,
  type RowKind,
  rowKinds,
  sameValue,
  vdsDynamicFields,
  vdsStaticFields,
  vmDynamicFields,
  vmStaticFields,
} from '../../../src/model/index.js';

export type Flat = Readonly<Record<string, unknown>>;

interface EntityForm {
  /** An entity of which nothing was said yet. */
  readonly blank: Flat;
  /** Kinds of rows that hold one part of it each … */
  readonly rows: Readonly<Partial<Record<RowKind, Fields>>>;
  /** … and those that hold an entry of a list of it each. */
  readonly lists: Readonly<Record<string, RowKind>>;
}

const forms: Readonly<Record<ChangeRecord['entity'], EntityForm>> = {
  host: {
    blank: { ...initialRow(vdsStaticFields), ...initialRow(vdsDynamicFields), interfaces: [] },
    rows: { vds_static: vdsStaticFields, vds_dynamic: vdsDynamicFields },
    lists: { interfaces: 'vds_interface' },
  },
  vm: {
    blank: {
      ...{ ...initialRow(vmStaticFields), ...initialRow(vmDynamicFields) },
      ...{ guestInterfaces: [], jobs: [], devices: [] },
    },
    rows: { vm_static: vmStaticFields, vm_dynamic: vmDynamicFields },
    lists: { guestInterfaces: 'vm_guest_agent_interfaces', jobs: 'vm_jobs', devices: 'vm_device' },
  },
  cluster: { blank: initialRow(clusterFields), rows: { cluster: clusterFields }, lists: {} },
  network: { blank: initialRow(clusterNetworkFields), rows: { cluster_network: clusterNetworkFields }, lists: {} },
};

/** Kinds of rows that the change records rebuild: all state but advice, whose records are intents. */
export const foldedKinds = Object.values(forms).flatMap(
  ({ rows, lists }) => [...Object.keys(rows), ...Object.values(lists)] as RowKind[],
);

/** What the change records alone make of everything, the first of all records being the first one. */
export class Fold {
  readonly #entities: Map<string, Flat>;

  constructor(entities: ReadonlyMap<string, Flat> = new Map()) {
    this.#entities = new Map(entities);
  }

  copy(): Fold {
    return new Fold(this.#entities);
  }

  get(entity: ChangeRecord['entity'], id: string): Flat | undefined {
    return this.#entities.get(`${entity} ${id}`);
  }

  ids(entity: ChangeRecord['entity']): string[] {
    const prefix = `${entity} `;
    return [...this.#entities.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  }

  /** Gives what is wrong with the record, by itself or after those before it. */
  apply(record: ChangeRecord): string[] {
    const { entity, entityId, what, changes, clusterId } = record;
    const key = entityKey(record);
    const known = this.#entities.get(key);
    const about = `${what} ${key}`;
    if (what === 'removed') {
      this.#entities.delete(key);
      return known === undefined ? [`${about}: there is none`] : [];
    }
    const problems: string[] = [];
    if (what === 'added' && known !== undefined) problems.push(`${about}: there is one already`);
    if (what === 'changed' && known === undefined) problems.push(`${about}: there is none`);
    if (what === 'changed' && changes.length === 0) problems.push(`${about}: no field has changed`);
    const identity = entity === 'network' ? { clusterId, name: entityId } : { id: entityId };
    const next: Record<string, unknown> = {
      ...(known ?? forms[entity].blank),
      ...(known === undefined ? identity : {}),
    };
    for (const { path, from, to } of changes) {
      const isIdentity = what === 'added' && Object.hasOwn(identity, path);
      if (!Object.hasOwn(next, path)) problems.push(`${about}: there is no field ${path}`);
      else if (!isIdentity && !sameValue(next[path], from)) {
        problems.push(`${about}: ${path} was ${shown(next[path])}, the record says ${shown(from)}`);
      } else if (sameValue(from, to)) problems.push(`${about}: ${path} has not changed from ${shown(from)}`);
      next[path] = to;
    }
    this.#entities.set(key, next);
    return problems;
  }

  /** All rows that the entities come to, by kind and key. */
  rows(of: Iterable<string> = this.#entities.keys()): Map<string, Flat> {
    const rows = new Map<string, Flat>();
    for (const key of of) {
      const flat = this.#entities.get(key);
      if (flat === undefined) continue;
      const form = forms[key.slice(0, key.indexOf(' ')) as ChangeRecord['entity']];
      for (const [kind, fields] of Object.entries(form.rows) as [RowKind, Fields][]) {
        const row = Object.fromEntries(Object.keys(fields).map((name) => [name, flat[name]]));
        rows.set(rowKey(kind, row), row);
      }
      for (const [list, kind] of Object.entries(form.lists)) {
        for (const row of flat[list] as readonly Flat[]) rows.set(rowKey(kind, row), row);
      }
    }
    return rows;
  }
}

export function entityKey({ entity, entityId, clusterId }: ChangeRecord): string {
  return `${entity} ${entity === 'network' ? `${clusterId}/${entityId}` : entityId}`;
}

/** Whom a row belongs to, by its kind and its key. */
export function entityOfRow(kind: RowKind, key: readonly (string | number)[]): string {
  if (kind === 'cluster') return `cluster ${key[0]}`;
  if (kind === 'cluster_network') return `network ${key[0]}/${key[1]}`;
  return `${kind.startsWith('vds_') ? 'host' : 'vm'} ${key[0]}`;
}

export const rowKey = (kind: RowKind, row: Flat): string =>
  `${kind} ${JSON.stringify(rowKinds[kind].key.map((name) => row[name]))}`;

const shown = (value: unknown): string => JSON.stringify(value) ?? 'undefined';

/** The fields in which they differ, in words. */
export function difference(a: Flat | undefined, b: Flat | undefined): string {
  if (a === undefined) return 'the first one does not exist';
  if (b === undefined) return 'the second one does not exist';
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((name) => !sameValue(a[name], b[name]))
    .map((name) => `${name}: ${shown(a[name])} ≠ ${shown(b[name])}`)
    .join(', ');
}
