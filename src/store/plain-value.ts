import type { LogRecordDraft } from '../events/index.js';

/** Deeper JSON is a trap for recursive code, PostgreSQL's included; no agent sends it in earnest. */
const DEEPEST = 64;
const SUSPICIOUS = /[\0\ud800-\udfff]/;
const HARMFUL = /\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** PostgreSQL refuses NUL and lone surrogates, and with them the whole flush: they become U+FFFD. */
export function cleanText(text: string): string {
  return SUSPICIOUS.test(text) ? text.replace(HARMFUL, '\ufffd') : text;
}

/** At most `max` characters, no surrogate pair cut in half. */
export function cutText(text: string, max: number | undefined): string {
  return cleanText(max !== undefined && text.length > max ? text.slice(0, max) : text);
}

/**
 * The value as JSON can hold it: BigInt as text, NaN and infinities as null, text cleaned. A value that needs no change
 * is given back itself, so that the usual case copies nothing.
 */
export function plainValue(value: unknown, depth = 0): unknown {
  switch (typeof value) {
    case 'string':
      return cleanText(value);
    case 'number':
      return Number.isFinite(value) ? value : null;
    case 'boolean':
      return value;
    case 'bigint':
      return value.toString();
    case 'object':
      break;
    default:
      return null;
  }
  if (value === null || depth >= DEEPEST) return null;
  return Array.isArray(value) ? plainArray(value, depth) : plainObject(value, depth);
}

function plainArray(value: readonly unknown[], depth: number): readonly unknown[] {
  let copy: unknown[] | null = null;
  for (let i = 0; i < value.length; i++) {
    const plain = plainValue(value[i], depth + 1);
    if (plain === value[i]) continue;
    copy ??= [...value];
    copy[i] = plain;
  }
  return copy ?? value;
}

function plainObject(value: object, depth: number): object {
  const members = value as Readonly<Record<string, unknown>>;
  const names = Object.keys(members);
  let entries: [string, unknown][] | null = null;
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    const member = members[name];
    const key = cleanText(name);
    // JSON has no undefined: such a key is absent when it is read back.
    const plain = member === undefined ? undefined : plainValue(member, depth + 1);
    if (entries === null) {
      if (key === name && plain === member) continue;
      entries = names.slice(0, i).map((before) => [before, members[before]]);
    }
    entries.push([key, plain]);
  }
  // fromEntries defines own properties: a key "__proto__" stays a key.
  return entries === null ? value : (Object.fromEntries(entries) as object);
}

/** Year 1 to 9999: what PostgreSQL, JavaScript and RFC 3339 all can write. */
export const EARLIEST = -62_135_596_800_000;
export const LATEST = 253_402_300_799_999;

/** A record as every store gives it back. It is never refused: what cannot be stored is made harmless. */
export function plainRecord(draft: LogRecordDraft): LogRecordDraft {
  const plain = plainValue(draft) as LogRecordDraft;
  const time = Number.isFinite(draft.time) ? Math.round(Math.min(Math.max(draft.time, EARLIEST), LATEST)) : 0;
  return time === plain.time ? plain : { ...plain, time };
}
