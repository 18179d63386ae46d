import { CompiledQuery, type Kysely, type RawBuilder, sql } from 'kysely';
import type { DiskColumns, DiskUsage, NicColumns, VmColumns } from '../../model/index.js';
import { DataRefused } from '../flush-target.js';
import { cleanText, plainValue } from '../plain-value.js';
import { unfitFigure } from '../usage-figures.js';
import { BoundUpdate } from './lane.js';
import { type EncodedVm, figuresOf, UsageEncoder } from './usage-encoder.js';
import {
  chunksOf,
  jsonColumn,
  jsonElement,
  type ListColumn,
  listParameter,
  literalColumn,
  textElement,
} from './value-lists.js';

const STATEMENT = 'vurti_usage';

/** What the database has of a VM beside its figures. */
interface Known {
  readonly id: Uint8Array;
  readonly nics: readonly NicColumns[];
  readonly names: readonly (string | null)[];
  readonly disks: readonly DiskColumns[];
  disksUsage: readonly DiskUsage[] | null;
}

/** What the guest says of its file systems is written, beside the figures. */
interface OtherDisksUsage {
  readonly id: string;
  readonly known: Known;
  readonly disksUsage: readonly DiskUsage[] | null;
}

/** A VM whose parts are written with its figures, as elements of lists: it may change while they are on their way. */
interface Fresh {
  readonly id: string;
  readonly figures: string;
  readonly nics: string;
  readonly disks: string;
  readonly disksUsage: string;
  readonly images: readonly string[];
  readonly columns: VmColumns;
  readonly known: Known;
}

/** To be called when the transaction is committed. */
export type Learned = () => void;

interface Sort {
  /** The database has all but the figures … */
  readonly usual: readonly EncodedVm[];
  /** … or that and what the guests say of their file systems … */
  readonly otherDisksUsage: readonly OtherDisksUsage[];
  /** … or it is not known what it has. */
  readonly fresh: readonly Fresh[];
}

/**
 * Usage of VMs as one row each (docs/adr/0016): `vm_usage` has the figures, `vm_usage_parts` what they are of: nics, disks, and
 * the file systems. The figures alone are updated as long as this process has written the parts as they are. Until then,
 * and when they change, all of it is written, and rows of the VM in the tables for single rows go.
 */
export class UsageSql {
  /** To be run in each session, outside of any transaction. */
  readonly setUp: readonly string[];
  readonly #known = new Map<VmColumns, Known>();
  /** Those of `#known`. */
  readonly #columnsOf = new Map<string, VmColumns>();
  readonly #encoder = new UsageEncoder(STATEMENT);
  readonly #putFigures: string;
  readonly #putParts: string;
  readonly #putDisksUsage: string;
  readonly #removeRows: readonly string[];
  readonly #removeDisks: string;
  readonly #remove: readonly string[];

  constructor(compiler: Kysely<unknown>, schema: string) {
    const text = (query: RawBuilder<unknown>): string => query.compile(compiler).sql;
    const table = (name: string) => sql.id(schema, name);
    // Each join of this session is of a few rows that it brings with a table's key; without statistics of them the planner
    // would rather read the whole table.
    const prepare = sql`
      prepare ${sql.raw(STATEMENT)} (text[], bytea[]) as
      update ${table('vm_usage')} u set figures = s.figures from unnest($1, $2) as s (id, figures) where u.vm_guid = s.id`;
    const plans = { enable_hashjoin: 'off', enable_mergejoin: 'off', plan_cache_mode: 'force_generic_plan' };
    this.setUp = [...Object.entries(plans).map(([name, value]) => `set ${name} = ${value}`), text(prepare)];
    const given = (...types: string[]) => sql.join(types.map(listParameter));
    this.#putFigures = text(sql`
      insert into ${table('vm_usage')} (vm_guid, figures) select * from unnest(${given('text', 'bytea')})
      on conflict (vm_guid) do update set figures = excluded.figures`);
    this.#putParts = text(sql`
      insert into ${table('vm_usage_parts')} (vm_guid, nics, disks, disks_usage)
      select * from unnest(${given('text', 'jsonb', 'jsonb', 'jsonb')})
      on conflict (vm_guid) do update
      set nics = excluded.nics, disks = excluded.disks, disks_usage = excluded.disks_usage`);
    this.#putDisksUsage = text(sql`
      update ${table('vm_usage_parts')} p set disks_usage = s.disks_usage
      from unnest(${given('text', 'jsonb')}) as s (id, disks_usage) where p.vm_guid = s.id`);
    const removeFrom = (name: string, column: string): string =>
      text(sql`
        delete from ${table(name)} t using unnest(${given('text')}) as d (key) where t.${sql.id(column)} = d.key`);
    this.#removeRows = [removeFrom('vm_statistics', 'vm_guid'), removeFrom('vm_interface_statistics', 'vm_id')];
    this.#removeDisks = removeFrom('disk_image_dynamic', 'image_id');
    this.#remove = [removeFrom('vm_usage', 'vm_guid'), removeFrom('vm_usage_parts', 'vm_guid')];
  }

  /** Before the usage of a flush: VMs that got rows of their own in it, or whose statistics were deleted. */
  async remove(db: Kysely<unknown>, ids: readonly string[]): Promise<void> {
    for (const id of ids) this.#forget(id);
    for (const statement of this.#remove) await run(db, statement, ids, [literalColumn(textElement)]);
  }

  /**
   * The update of these VMs' figures, to be sent behind other statements, if nothing but figures is to be written; else null.
   * It must change as many rows as there are VMs, and `notSent` be called where that is not known.
   *
   * @throws DataRefused as `put` does
   */
  figuresAlone(vms: readonly VmColumns[]): { readonly update: BoundUpdate; readonly count: number } | null {
    const { usual, otherDisksUsage, fresh } = this.#sorted(vms);
    if (otherDisksUsage.length > 0 || fresh.length > 0) return null;
    return { update: new BoundUpdate('vm_usage', this.#encoder.encode(usual)), count: usual.length };
  }

  notSent(): void {
    this.#encoder.renew();
  }

  /** Somebody else took rows away: what this process knows does not hold. */
  forgetAll(): void {
    this.#known.clear();
    this.#columnsOf.clear();
  }

  /** @throws DataRefused naming a figure that no column could hold, before anything is sent */
  async put(db: Kysely<unknown>, vms: readonly VmColumns[]): Promise<Learned> {
    let { usual, otherDisksUsage, fresh } = this.#sorted(vms);
    if (usual.length > 0 && (await this.#update(db, usual)) < usual.length) {
      this.forgetAll();
      ({ usual, otherDisksUsage, fresh } = this.#sorted(vms));
    }
    await run(db, this.#putDisksUsage, otherDisksUsage, [idOf, jsonColumn((vm) => disksUsageElement(vm.disksUsage))]);
    if (fresh.length > 0) await this.#putWhole(db, fresh);
    return () => {
      for (const { known, disksUsage } of otherDisksUsage) known.disksUsage = disksUsage;
      for (const { id, columns, known } of fresh) {
        this.#forget(id);
        this.#known.set(columns, known);
        this.#columnsOf.set(id, columns);
      }
    };
  }

  #forget(id: string): void {
    const columns = this.#columnsOf.get(id);
    if (columns === undefined) return;
    this.#known.delete(columns);
    this.#columnsOf.delete(id);
  }

  #sorted(vms: readonly VmColumns[]): Sort {
    const usual: EncodedVm[] = [];
    const otherDisksUsage: OtherDisksUsage[] = [];
    const fresh = new Map<string, Fresh>();
    for (const columns of vms) {
      // The VM was removed after it was given; its rows go with the next flush, or are gone.
      if (columns.freed) continue;
      const unfit = unfitFigure(columns);
      if (unfit !== null) throw new DataRefused(unfit);
      const known = this.#known.get(columns);
      if (known === undefined || !hasParts(known, columns)) {
        const whole = freshOf(columns);
        // An upsert takes a key once only, and what differs as text may be the same when cleaned.
        fresh.set(whole.id, whole);
        continue;
      }
      usual.push({ id: known.id, columns });
      const { disksUsage } = columns;
      if (known.disksUsage !== disksUsage) otherDisksUsage.push({ id: cleanText(columns.vmId), known, disksUsage });
    }
    return { usual, otherDisksUsage, fresh: [...fresh.values()] };
  }

  async #update(db: Kysely<unknown>, vms: readonly EncodedVm[]): Promise<number> {
    let sent = false;
    try {
      const update = new BoundUpdate('vm_usage', this.#encoder.encode(vms));
      const { numAffectedRows } = await db.executeQuery(CompiledQuery.raw('', [update]));
      sent = true;
      return Number(numAffectedRows);
    } finally {
      if (!sent) this.#encoder.renew();
    }
  }

  async #putWhole(db: Kysely<unknown>, vms: readonly Fresh[]): Promise<void> {
    await run(db, this.#putFigures, vms, [idOf, literalColumn((vm) => vm.figures)]);
    const json = [(vm: Fresh) => vm.nics, (vm: Fresh) => vm.disks, (vm: Fresh) => vm.disksUsage].map(jsonColumn);
    await run(db, this.#putParts, vms, [idOf, ...json]);
    for (const statement of this.#removeRows) await run(db, statement, vms, [idOf]);
    const images = vms.flatMap((vm) => vm.images);
    await run(db, this.#removeDisks, images, [literalColumn(textElement)]);
  }
}

const idOf: ListColumn<{ readonly id: string }> = literalColumn(({ id }) => textElement(id));

const disksUsageElement = (disksUsage: readonly DiskUsage[] | null): string => jsonElement(plainValue(disksUsage));

function freshOf(columns: VmColumns): Fresh {
  const { nics, disks, disksUsage } = columns;
  const id = cleanText(columns.vmId);
  const images = disks.map(({ imageId }) => cleanText(imageId));
  return {
    id,
    columns,
    figures: textElement(`\\x${figuresOf(columns).toString('hex')}`),
    nics: jsonElement(plainValue(nics.map(({ macAddr, name }) => ({ mac: macAddr, name })))),
    disks: jsonElement(images),
    disksUsage: disksUsageElement(disksUsage),
    images,
    known: { id: Buffer.from(id), nics, names: nics.map(({ name }) => name), disks, disksUsage },
  };
}

async function run<T>(
  db: Kysely<unknown>,
  statement: string,
  items: readonly T[],
  columns: readonly ListColumn<T>[],
): Promise<void> {
  for (const { lists } of chunksOf(items, columns)) await db.executeQuery(CompiledQuery.raw(statement, [...lists]));
}

/** Lists of nics and disks are made anew when they change; a nic's name is not. */
function hasParts({ nics, names, disks }: Known, columns: VmColumns): boolean {
  if (nics !== columns.nics || disks !== columns.disks) return false;
  for (let i = 0; i < nics.length; i++) if (names[i] !== (nics[i] as NicColumns).name) return false;
  return true;
}
