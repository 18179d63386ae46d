import { type Columns, DISK_FIGURES, NIC_FIGURES, type VmColumns } from '../../model/index.js';
import { figureCount, OWN_FIGURES } from '../usage-figures.js';

const BIND = 0x42;
const EXECUTE = 0x45;
const SYNC = 0x53;
const TEXT = 25;
const BYTEA = 17;
/** Of an array of one dimension: how many, nulls, type, length, lower bound. */
const ARRAY_HEAD = 20;
const ONE_FORMAT_BINARY = [0, 1, 0, 1] as const;

export interface EncodedVm {
  /** UTF-8. */
  readonly id: Uint8Array;
  readonly columns: VmColumns;
}

/** Big-endian float64, one after the other: what PostgreSQL sends and takes for one is the same on every machine. */
export function figuresOf(columns: VmColumns): Buffer {
  const bytes = Buffer.allocUnsafe(8 * figureCount(columns));
  putFigures(viewOf(bytes), 0, columns);
  return bytes;
}

/**
 * VMs' ids and figures as the parameters text[] and bytea[] of a prepared statement: the messages of PostgreSQL's protocol,
 * straight from the columns, in one buffer that grows and is used again.
 */
export class UsageEncoder {
  readonly #statement: Buffer;
  #bytes = Buffer.allocUnsafeSlow(64 * 1024);
  #view = viewOf(this.#bytes);

  constructor(statement: string) {
    this.#statement = Buffer.from(`${statement}\0`);
  }

  /** The last messages may still be on their way: another buffer from now on. */
  renew(): void {
    this.#bytes = Buffer.allocUnsafeSlow(64 * 1024);
    this.#view = viewOf(this.#bytes);
  }

  /** What was given before is gone. */
  encode(vms: readonly EncodedVm[]): Buffer {
    let ids = ARRAY_HEAD + 4 * vms.length;
    let figures = ids;
    for (let i = 0; i < vms.length; i++) {
      const { id, columns } = vms[i] as EncodedVm;
      ids += id.length;
      figures += 8 * figureCount(columns);
    }
    this.#room(ids + figures + this.#statement.length + 64);
    const view = this.#view;
    let at = this.#bindHead(ids + figures);
    at = arrayHead(view, at, ids, TEXT, vms.length);
    for (let i = 0; i < vms.length; i++) {
      const { id } = vms[i] as EncodedVm;
      view.setInt32(at, id.length);
      this.#bytes.set(id, at + 4);
      at += 4 + id.length;
    }
    at = arrayHead(view, at, figures, BYTEA, vms.length);
    for (let i = 0; i < vms.length; i++) {
      const { columns } = vms[i] as EncodedVm;
      view.setInt32(at, 8 * figureCount(columns));
      at = putFigures(view, at + 4, columns);
    }
    return this.#bytes.subarray(0, this.#tail(at));
  }

  /** Of the unnamed portal, up to the first parameter. */
  #bindHead(parameters: number): number {
    const view = this.#view;
    const name = this.#statement;
    view.setUint8(0, BIND);
    view.setInt32(1, 4 + 1 + name.length + 4 + 2 + (4 + 4) + parameters + 2);
    view.setUint8(5, 0);
    this.#bytes.set(name, 6);
    let at = 6 + name.length;
    for (const byte of ONE_FORMAT_BINARY) view.setUint8(at++, byte);
    view.setInt16(at, 2);
    return at + 2;
  }

  /** No format of results; run to the end; sync. */
  #tail(from: number): number {
    const view = this.#view;
    view.setInt16(from, 0);
    view.setUint8(from + 2, EXECUTE);
    view.setInt32(from + 3, 4 + 1 + 4);
    view.setUint8(from + 7, 0);
    view.setInt32(from + 8, 0);
    view.setUint8(from + 12, SYNC);
    view.setInt32(from + 13, 4);
    return from + 17;
  }

  #room(bytes: number): void {
    if (bytes <= this.#bytes.length) return;
    this.#bytes = Buffer.allocUnsafeSlow(2 * bytes);
    this.#view = viewOf(this.#bytes);
  }
}

function arrayHead(view: DataView, at: number, bytes: number, type: number, length: number): number {
  view.setInt32(at, bytes);
  view.setInt32(at + 4, 1);
  view.setInt32(at + 8, 0);
  view.setInt32(at + 12, type);
  view.setInt32(at + 16, length);
  view.setInt32(at + 20, 1);
  return at + 4 + ARRAY_HEAD;
}

function putFigures(view: DataView, from: number, columns: VmColumns): number {
  const { nics, disks } = columns;
  let at = putPart(view, from, columns, OWN_FIGURES);
  for (let i = 0; i < nics.length; i++) at = putPart(view, at, nics[i] as Columns, NIC_FIGURES);
  for (let i = 0; i < disks.length; i++) at = putPart(view, at, disks[i] as Columns, DISK_FIGURES);
  return at;
}

function putPart(view: DataView, from: number, { at, first }: Columns, count: number): number {
  // -0 becomes 0, as it does in text.
  for (let i = 0; i < count; i++) view.setFloat64(from + 8 * i, (at[first + i] as number) + 0);
  return from + 8 * count;
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
