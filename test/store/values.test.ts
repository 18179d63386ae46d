import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/kernel/index.js';
import { backoffMs } from '../../src/store/backoff.js';
import { FlushTimes } from '../../src/store/flush-times.js';
import { checkCursor } from '../../src/store/log-window.js';
import { cleanText, cutText, plainRecord, plainValue } from '../../src/store/plain-value.js';
import { chunksOf, jsonColumn, jsonElement, literalColumn, textElement } from '../../src/store/postgres/value-lists.js';
import { storable } from '../../src/store/storable.js';
import { fullRow, vmChange, vmRow } from './samples.js';

describe('cleanText', () => {
  it('leaves good text alone and mends all other', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff)), (units) => {
        const text = String.fromCharCode(...units);
        const clean = cleanText(text);
        expect(clean).toHaveLength(text.length);
        expect(clean).not.toContain('\0');
        expect(() => encodeURIComponent(clean)).not.toThrow();
        expect(cleanText(clean)).toBe(clean);
      }),
    );
    expect(cleanText('Ä€😀')).toBe('Ä€😀');
  });

  it('cuts to a length without leaving half a character', () => {
    expect(cutText('abc', 5)).toBe('abc');
    expect(cutText('abcdef', 5)).toBe('abcde');
    expect(cutText('abcd😀', 5)).toBe('abcd\ufffd');
    expect(cutText('abc\0', undefined)).toBe('abc\ufffd');
  });
});

describe('plainValue', () => {
  it('is what JSON gives back', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, maxDepth: 4 }), (value) => {
        // As text: -0 and undefined are read back as 0 and as absent.
        const text = JSON.stringify(plainValue(value));
        expect(JSON.stringify(plainValue(JSON.parse(text)))).toBe(text);
        expect(text).not.toMatch(/\\u0000|\\ud[89a-f]/);
      }),
    );
  });

  it('copies nothing that is plain already', () => {
    const value = { a: [1, { b: 'c' }], d: undefined };
    expect(plainValue(value)).toBe(value);
    const mixed = { same: value, odd: 1n };
    expect((plainValue(mixed) as typeof mixed).same).toBe(value);
    const record = vmChange('vm-1', 'x');
    expect(plainRecord(record)).toBe(record);
  });

  it('mends what is deep down, and each level is copied once', () => {
    let deep: unknown = 'bo\0ttom';
    for (let i = 0; i < 40; i++) deep = { before: i, deep, after: undefined };
    expect(JSON.stringify(plainValue(deep))).toBe(JSON.stringify(deep).replace('\\u0000', '\ufffd'));
  });

  it('ends in the depth', () => {
    let deep: unknown = 'bottom';
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(JSON.stringify(plainValue(deep)).length).toBeLessThan(200);
  });

  it('keeps the time of a record within what can be stored', () => {
    const time = (given: number): number => plainRecord({ ...vmChange('vm-1', 1), time: given }).time;
    expect(time(1e300)).toBe(Date.UTC(10_000, 0, 1) - 1);
    expect(time(-1e300)).toBe(-62_135_596_800_000);
    expect(time(1.6)).toBe(2);
    expect(time(Number.NaN)).toBe(0);
  });
});

describe('storable', () => {
  it('gives a good row itself', () => {
    const write = fullRow('vm_dynamic', 3);
    expect(storable(write)).toEqual({ write });
    expect((storable(write) as { write: unknown }).write).toBe(write);
  });

  it.each([
    [{ id: null }, 'vm_guid: null is not text'],
    [{ id: undefined }, 'vm_guid: undefined is not text'],
    [{ utcDiff: 2 ** 53 }, 'utc_diff: 9007199254740992 is not a whole number within ±2^53'],
    [{ utcDiff: 1n }, 'utc_diff: 1 is not a whole number within ±2^53'],
    [{ bootTime: Number.NaN }, 'boot_time: NaN is not a time of the years 1 to 9999'],
    [{ bootTime: 1e15 }, 'boot_time: 1000000000000000 is not a time of the years 1 to 9999'],
    [{ acpiEnabled: 'yes' }, 'acpi_enable: "yes" is not true or false'],
    [{ lastWatchdogEvent: '1' }, 'last_watchdog_event: "1" is not a number'],
    [{ pauseStatus: 'toString' }, 'pause_status: "toString" is not a known name'],
    [{ status: null }, 'status: null is not a known name'],
    [{ volatileRun: Symbol('x') }, 'volatile_run: Symbol(x) is not true or false'],
    [{ guestOs: Object.create(null) }, 'guest_os: an object is not text'],
  ])('refuses %o', (changes, refused) => {
    expect(storable(vmRow('vm-1', changes as object))).toEqual({ refused });
  });

  it('refuses a key of another length', () => {
    expect(storable({ kind: 'numa_node', deleted: ['host'] })).toEqual({ refused: 'key has 1 parts, not 2' });
  });
});

describe('lists of values', () => {
  it('escape quotes and backslashes in literals, and tell null from "NULL"', () => {
    expect(['a"b\\c', 'NULL', '', null].map(textElement)).toEqual(['"a\\"b\\\\c"', '"NULL"', '""', 'NULL']);
    const [chunk] = [...chunksOf(['a,b', null], [literalColumn(textElement)])];
    expect(chunk?.lists).toEqual(['{"a,b",NULL}']);
  });

  it('leave JSON as it is, with a character between that JSON never holds', () => {
    expect([{ a: '"' }, null, undefined, 'NULL'].map(jsonElement)).toEqual(['{"a":"\\""}', 'NULL', 'NULL', '"NULL"']);
    const [chunk] = [...chunksOf(['\x1e', null, 1], [jsonColumn(jsonElement)])];
    expect(chunk?.lists).toEqual(['"\\u001e"\x1eNULL\x1e1']);
  });

  it('come in chunks bounded by items and by characters', () => {
    const chunks = (items: string[], limits: { items: number; characters: number }): number[] =>
      [...chunksOf(items, [literalColumn((item) => item), jsonColumn((item) => item)], limits)].map(
        (chunk) => chunk.count,
      );
    expect(chunks([], { items: 2, characters: 9 })).toEqual([]);
    expect(chunks(['a', 'b', 'c'], { items: 2, characters: 9 })).toEqual([2, 1]);
    expect(chunks(['aaaaa', 'b', 'b', 'b'], { items: 9, characters: 6 })).toEqual([1, 3]);
  });
});

describe('small parts', () => {
  it('backs off up to a cap for ever', () => {
    const random = new SeededRandom(7);
    for (const failures of [0, 5, 100, 1e6]) {
      const ms = backoffMs(failures, { firstMs: 10, mostMs: 1000 }, random);
      expect(ms).toBeGreaterThanOrEqual(5);
      expect(ms).toBeLessThanOrEqual(1000);
    }
  });

  it('gives the 99th percentile of the latest flushes', () => {
    const times = new FlushTimes();
    expect(times.p99()).toBeNull();
    for (let i = 1; i <= 1000; i++) times.add(i === 900 ? 5000 : 10);
    expect(times.p99()).toBe(10);
    for (let i = 0; i < 3; i++) times.add(7000);
    expect(times.p99()).toBe(7000);
  });

  it('names head and cursor when a cursor is of another log', () => {
    const window = { epoch: 3, head: 10, removed: 0 };
    expect(() => checkCursor({ epoch: 3, seq: 11 }, window, { at: null, after: null })).toThrow(
      'e3.11 is no place in this log, whose head is e3.10',
    );
  });
});
