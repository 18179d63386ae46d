import { CompiledQuery, sql } from 'kysely';
import {
  DISK_FIGURES,
  DiskColumns,
  type DiskUsage,
  NIC_FIGURES,
  NicColumns,
  type Row,
  type RowKind,
  VmColumns,
} from '../../model/index.js';
import { OWN_FIGURES } from '../usage-figures.js';
import { CopyOutput, type Lane } from './lane.js';

/** Signature and flags; how long the extension is that follows them. */
const HEAD = 15;
const TRAILER = -1;

export type UsageKind = 'vm_statistics' | 'vm_interface_statistics' | 'disk_image_dynamic';

export function isUsage(kind: RowKind): kind is UsageKind {
  return kind === 'vm_statistics' || kind === 'vm_interface_statistics' || kind === 'disk_image_dynamic';
}

interface Page {
  readonly vms: number;
  readonly last: string | undefined;
}

/** A VM that is not understood, and why. */
export type OnFault = (vmId: string, error: unknown) => void;

/**
 * Reads what UsageSql wrote: the VMs page by page, each as the rows that it stands for. A VM that has a row of vm_statistics is
 * passed over: it was written later, by a vurti that knows no other way.
 */
export class UsageReader {
  readonly #lane: Lane;
  readonly #schema: string;
  readonly #readMs: number;

  constructor(lane: Lane, schema: string, readMs: number) {
    this.#lane = lane;
    this.#schema = schema;
    this.#readMs = readMs;
  }

  async *load<K extends UsageKind>(kind: K, pageSize: number, onFault: OnFault): AsyncGenerator<readonly Row<K>[]> {
    let last: string | undefined;
    do {
      const rows: Row<K>[] = [];
      const page = await this.#page(last, pageSize, onFault, (columns) => {
        for (const row of rowsOf(kind, columns)) rows.push(row);
      });
      if (rows.length > 0) yield rows;
      last = page.vms < pageSize ? undefined : page.last;
    } while (last !== undefined);
  }

  async #page(
    after: string | undefined,
    size: number,
    onFault: OnFault,
    onVm: (columns: VmColumns) => void,
  ): Promise<Page> {
    let vms = 0;
    let last: string | undefined;
    const onMessage = (message: Buffer): void => {
      const values = valuesOf(message, vms === 0);
      const id = values?.[0]?.toString('utf8');
      if (values === null || id === undefined) return;
      vms += 1;
      last = id;
      try {
        onVm(columnsOf(id, values));
      } catch (error) {
        onFault(id, error);
      }
    };
    const table = (name: string) => sql.id(this.#schema, name);
    // COPY takes no parameters.
    const place = after === undefined ? sql`` : sql`and u.vm_guid > ${sql.lit(after)}`;
    await this.#lane.within(this.#readMs, 'loading vm_usage', async (db) => {
      const copy = sql`
        copy (
          select u.vm_guid, u.figures, p.nics, p.disks, p.disks_usage
          from ${table('vm_usage')} u join ${table('vm_usage_parts')} p on p.vm_guid = u.vm_guid
          where not exists (select from ${table('vm_statistics')} r where r.vm_guid = u.vm_guid) ${place}
          order by u.vm_guid limit ${sql.raw(String(size))})
        to stdout (format binary)`;
      await db.executeQuery(CompiledQuery.raw(copy.compile(db).sql, [new CopyOutput('vm_usage', onMessage)]));
    });
    return { vms, last };
  }
}

/** The columns' bytes; null if the message holds the end alone. */
function valuesOf(message: Buffer, first: boolean): readonly (Buffer | null)[] | null {
  let at = first ? HEAD + 4 + message.readInt32BE(HEAD) : 0;
  if (at >= message.length || message.readInt16BE(at) === TRAILER) return null;
  const values: (Buffer | null)[] = [];
  const count = message.readInt16BE(at);
  at += 2;
  for (let i = 0; i < count; i++) {
    const length = message.readInt32BE(at);
    at += 4;
    values.push(length < 0 ? null : message.subarray(at, at + length));
    if (length > 0) at += length;
  }
  return values;
}

/** @throws when what stands there is not of this form */
function columnsOf(id: string, [, figures, nics, disks, disksUsage]: readonly (Buffer | null)[]): VmColumns {
  const at = floatsOf(figures ?? null);
  const columns = new VmColumns(id, { at, first: 0 });
  let first = OWN_FIGURES;
  columns.nics = (jsonOf(nics) as readonly { readonly mac: string; readonly name: string | null }[]).map((nic) => {
    const part = new NicColumns(nic.mac, { at, first });
    part.name = nic.name;
    first += NIC_FIGURES;
    return part;
  });
  columns.disks = (jsonOf(disks) as readonly string[]).map((imageId) => {
    const part = new DiskColumns(imageId, { at, first });
    first += DISK_FIGURES;
    return part;
  });
  columns.disksUsage = jsonOf(disksUsage) as readonly DiskUsage[] | null;
  if (first !== at.length) throw new RangeError(`${at.length} figures instead of ${first}`);
  return columns;
}

function floatsOf(bytes: Buffer | null): Float64Array {
  const floats = new Float64Array((bytes?.length ?? 0) / 8);
  for (let i = 0; i < floats.length; i++) floats[i] = bytes?.readDoubleBE(8 * i) ?? Number.NaN;
  return floats;
}

/** Behind the number of its format. */
function jsonOf(bytes: Buffer | null | undefined): unknown {
  return bytes == null ? null : JSON.parse(bytes.toString('utf8', 1));
}

function rowsOf<K extends UsageKind>(kind: K, columns: VmColumns): readonly Row<K>[] {
  const rows = {
    vm_statistics: () => [columns.statisticsRow()],
    vm_interface_statistics: () => columns.nics.map((nic) => columns.nicRow(nic)),
    disk_image_dynamic: () => columns.disks.map((disk) => columns.diskRow(disk)),
  } as const;
  return rows[kind]() as unknown as readonly Row<K>[];
}
