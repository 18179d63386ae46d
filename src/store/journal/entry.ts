import type { LogRecordDraft } from '../../events/index.js';
import type { Scheduler } from '../../kernel/index.js';
import { type Field, type Fields, keyOf, type RowKind, type RowWrite, rowKinds } from '../../model/index.js';
import type { Batch, FlushMark, WaitingRow } from '../flush-target.js';
import { storable } from '../storable.js';

/**
 * A flush as the journal keeps it: lines of JSON, the head first, then rows, then records. Fields stand by name, so that
 * a later version reads what an earlier one wrote: what it does not know is left out, what is missing is initial.
 */
export interface JournalEntry {
  readonly batch: Batch;
  /** The flush before it, as far as its writer knew: tells whether the database is still the one it was kept for. */
  readonly after: FlushMark | null;
  /** Rows that this version cannot take, for what they are. */
  readonly refused: readonly { readonly kind: string; readonly key: string; readonly message: string }[];
}

interface Head {
  readonly v: 1;
  readonly mark: FlushMark;
  readonly after: FlushMark | null;
  readonly rows: number;
  readonly records: number;
}

interface RowLine {
  readonly kind: string;
  readonly ticket: number;
  readonly row?: Readonly<Record<string, unknown>>;
  readonly deleted?: readonly (string | number)[];
}

/** Encoded in one go; then others have a turn. */
const SLICE = 500;

export async function encodeEntry(batch: Batch, after: FlushMark | null, scheduler: Scheduler): Promise<Uint8Array> {
  const { mark, rows, records } = batch;
  const head: Head = { v: 1, mark, after, rows: rows.length, records: records.length };
  const lines: string[] = [JSON.stringify(head)];
  for (const { kind, ticket, write } of rows) {
    const line: RowLine =
      'deleted' in write ? { kind, ticket, deleted: write.deleted } : { kind, ticket, row: plainRow(write) };
    lines.push(JSON.stringify(line));
    if (lines.length % SLICE === 0) await scheduler.yield();
  }
  for (const record of records) {
    lines.push(JSON.stringify(record));
    if (lines.length % SLICE === 0) await scheduler.yield();
  }
  return Buffer.from(lines.join('\n'), 'utf8');
}

/** How much an entry holds, without reading all of it; null when it is not of this form. */
export function sizeOfEntry(content: Uint8Array): { readonly rows: number; readonly records: number } | null {
  const end = content.indexOf(10);
  try {
    const { v, rows, records } = JSON.parse(textOf(end < 0 ? content : content.subarray(0, end))) as Head;
    return v === 1 ? { rows, records } : null;
  } catch {
    return null;
  }
}

/** @throws Error when the content is not of this form, whatever its checksum says */
export function decodeEntry(content: Uint8Array, thisWriter: string): JournalEntry {
  const lines = textOf(content).split('\n');
  const head = JSON.parse(lines[0] ?? '') as Head;
  if (head.v !== 1) throw new TypeError(`an entry of form ${String(head.v)}`);
  if (lines.length !== 1 + head.rows + head.records) throw new TypeError('an entry with lines missing');
  const rows: WaitingRow[] = [];
  const refused: JournalEntry['refused'][number][] = [];
  for (const line of lines.slice(1, 1 + head.rows)) {
    const given = JSON.parse(line) as RowLine;
    const result = rowOf(given);
    if ('refused' in result) {
      refused.push({ kind: given.kind, key: shownKey(given), message: result.refused });
      continue;
    }
    const { write } = result;
    // Tickets count the change sets of one process; those of another one are older than all of ours.
    const ticket = head.mark.writer === thisWriter ? given.ticket : 0;
    rows.push({ kind: write.kind, key: keyOf(write), write, ticket });
  }
  const records = lines.slice(1 + head.rows).map((line) => JSON.parse(line) as LogRecordDraft);
  return { batch: { mark: head.mark, rows, records }, after: head.after, refused };
}

const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');

/** The value of a column as JSON has it, by kind of field: what JSON cannot say goes as text. */
function plainRow(write: RowWrite): Readonly<Record<string, unknown>> {
  if ('deleted' in write) return {};
  const row = write.row as Readonly<Record<string, unknown>>;
  let copy: Record<string, unknown> | null = null;
  for (const name of textFields(write.kind)) {
    const value = row[name];
    if (typeof value !== 'bigint' && (typeof value !== 'number' || Number.isFinite(value))) continue;
    copy ??= { ...row };
    copy[name] = String(value);
  }
  return copy ?? row;
}

const textFieldsByKind = new Map<RowKind, readonly string[]>();

function textFields(kind: RowKind): readonly string[] {
  let names = textFieldsByKind.get(kind);
  if (names === undefined) {
    const fields = Object.entries(rowKinds[kind].fields as Fields);
    names = fields.filter(([, field]) => field.kind === 'count' || field.kind === 'float').map(([name]) => name);
    textFieldsByKind.set(kind, names);
  }
  return names;
}

function rowOf(line: RowLine): ReturnType<typeof storable> {
  if (!Object.hasOwn(rowKinds, line.kind)) return { refused: 'this version has no such table' };
  const kind = line.kind as RowKind;
  if (line.deleted !== undefined) return storable({ kind, deleted: line.deleted });
  const given = line.row ?? {};
  const row: Record<string, unknown> = {};
  try {
    for (const [name, field] of Object.entries(rowKinds[kind].fields as Fields)) {
      row[name] = Object.hasOwn(given, name) ? fieldValue(field, given[name]) : field.initial;
    }
  } catch (error) {
    return { refused: String(error) };
  }
  return storable({ kind, row } as unknown as RowWrite);
}

function fieldValue(field: Field<unknown>, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (field.kind === 'count') return BigInt(value);
  return field.kind === 'float' ? Number(value) : value;
}

function shownKey({ kind, deleted, row }: RowLine): string {
  if (deleted !== undefined) return JSON.stringify(deleted);
  const key: readonly string[] = Object.hasOwn(rowKinds, kind) ? rowKinds[kind as RowKind].key : ['id'];
  return JSON.stringify(key.map((name) => row?.[name] ?? null));
}
