import { describe, expect, it } from 'vitest';
import { bytes, clockTime, count, duration, percent, shortTime } from '../../src/cli/human.js';
import { finish, paint, styleOf } from '../../src/cli/style.js';
import { type Column, renderTable } from '../../src/cli/table.js';
import { escapeControl, escapeInJson, padEnd, toAscii, widthOf } from '../../src/cli/text.js';
import { parseDuration, parseWhen } from '../../src/cli/when.js';

const s = 1000;
const m = 60 * s;
const h = 60 * m;
const d = 24 * h;

describe('durations', () => {
  const table: [number, string][] = [
    [-5, '0s'],
    [4 * s, '4s'],
    [59_499, '59s'],
    [60 * s, '1m'],
    [6 * m + 11 * s, '6m11s'],
    [41 * m + 30 * s, '41m'],
    [3 * h, '3h'],
    [3 * h + 12 * m, '3h12m'],
    [26 * h, '26h'],
    [3 * d + 4 * h, '3d4h'],
    [12 * d + 4 * h, '12d'],
  ];
  it.each(table)('%d ms is %s', (ms, text) => expect(duration(ms)).toBe(text));
});

it('numbers', () => {
  expect([count(0), count(999), count(1_234_567), count('18446744073709551616')]).toEqual([
    '0',
    '999',
    '1,234,567',
    '18,446,744,073,709,551,616',
  ]);
  expect([bytes(512), bytes(1024), bytes(1536), bytes(274_877_906_944)]).toEqual([
    '512 B',
    '1 KiB',
    '1.5 KiB',
    '256 GiB',
  ]);
  expect([percent(null), percent(0), percent(70.6)]).toEqual(['-', '0%', '71%']);
  expect([shortTime(9.4), shortTime(2345)]).toEqual(['9ms', '2.3s']);
});

it('shows the date only when it is not today', () => {
  const now = Date.UTC(2026, 0, 31, 9);
  expect(clockTime(now - h, now, true, true)).toBe('08:00:00.000');
  expect(clockTime(now - 10 * h, now, true)).toBe('2026-01-30 23:00:00');
});

describe('moments', () => {
  const now = Date.UTC(2026, 0, 31, 9, 30);
  const table: [string, number][] = [
    ['now', now],
    ['2h ago', now - 2 * h],
    ['2h', now - 2 * h],
    ['-90s', now - 90 * s],
    ['1h30m ago', now - 90 * m],
    ['10 minutes ago', now - 10 * m],
    ['3 days ago', now - 3 * d],
    ['09:00', Date.UTC(2026, 0, 31, 9)],
    ['9:00:05', Date.UTC(2026, 0, 31, 9, 0, 5)],
    ['today', Date.UTC(2026, 0, 31)],
    ['Yesterday', Date.UTC(2026, 0, 30)],
    ['2026-01-02', Date.UTC(2026, 0, 2)],
    ['2026-01-02 03:04', Date.UTC(2026, 0, 2, 3, 4)],
    ['2026-01-02T03:04:05Z', Date.UTC(2026, 0, 2, 3, 4, 5)],
    ['2026-01-02T03:04:05.250+01:00', Date.UTC(2026, 0, 2, 2, 4, 5, 250)],
  ];
  it.each(table)('%s', (text, ms) => expect(parseWhen(text, now, true)).toBe(ms));
  it.each(['', 'soon', '25:00', '2026-1-2', '2h later', '5 parsecs'])('"%s" is none', (text) => {
    expect(() => parseWhen(text, now, true)).toThrow(/is not a time/);
  });
  it('reads durations', () =>
    expect([parseDuration('1d2h'), parseDuration('x'), parseDuration('')]).toEqual([26 * h, undefined, undefined]));
});

describe('hostile text', () => {
  it('cannot move the cursor, set a title or turn the direction of reading', () => {
    expect(escapeControl('a\u001b[2J\u0007\u009b5m\u202eb\r\n\tc\u200b')).toBe(
      'a\\x1b[2J\\x07\\x9b5m\\u202eb\\x0d\\n\\tc\\u200b',
    );
    expect(escapeControl('Zürich-日本 · ok')).toBe('Zürich-日本 · ok');
  });

  it('stays valid JSON', () => {
    const value = { name: 'a\u009b\u202e\u{e0041}\u007f\u001b' };
    const json = escapeInJson(JSON.stringify(value));
    expect(json).toBe('{"name":"a\\u009b\\u202e\\udb40\\udc41\\u007f\\u001b"}');
    expect(JSON.parse(json)).toEqual(value);
  });
});

it('measures and pads what is wider than it is long', () => {
  expect([widthOf('abc'), widthOf('日本'), widthOf('e\u0301'), widthOf('🚀')]).toEqual([3, 4, 1, 2]);
  expect(padEnd('日本', 6)).toBe('日本  ');
});

it('falls back to ASCII', () => {
  expect(toAscii('a · b → c … └ 14× “x” ü')).toBe('a | b -> c ... `- 14x "x" ?');
});

describe('style', () => {
  const terminal = { write: () => undefined, isTTY: true, columns: 80 };
  const pipe = { write: () => undefined, isTTY: false, columns: undefined };
  const colour: [string, boolean, Record<string, string>, 'auto' | 'always' | 'never', boolean][] = [
    ['a terminal', true, {}, 'auto', true],
    ['a pipe', false, {}, 'auto', false],
    ['NO_COLOR', true, { NO_COLOR: '1' }, 'auto', false],
    ['an empty NO_COLOR', true, { NO_COLOR: '' }, 'auto', true],
    ['NO_COLOR over FORCE_COLOR', true, { NO_COLOR: '1', FORCE_COLOR: '1' }, 'auto', false],
    ['--color over NO_COLOR', false, { NO_COLOR: '1' }, 'always', true],
    ['--color never over FORCE_COLOR', true, { FORCE_COLOR: '1' }, 'never', false],
    ['FORCE_COLOR in a pipe', false, { FORCE_COLOR: '1' }, 'auto', true],
    ['FORCE_COLOR=0', true, { FORCE_COLOR: '0' }, 'auto', false],
    ['CLICOLOR_FORCE in a pipe', false, { CLICOLOR_FORCE: '1' }, 'auto', true],
    ['a dumb terminal', true, { TERM: 'dumb' }, 'auto', false],
  ];
  it.each(colour)('%s', (_, isTTY, env, choice, expected) => {
    expect(styleOf(isTTY ? terminal : pipe, env, choice).color).toBe(expected);
  });

  const locale: [Record<string, string>, boolean][] = [
    [{ LANG: 'de_DE.UTF-8' }, true],
    [{ LANG: 'C.utf8' }, true],
    [{ LANG: 'de_DE.UTF-8', LC_ALL: 'C' }, false],
    [{ LANG: 'C', LC_CTYPE: 'en_US.UTF-8' }, true],
    [{ LANG: '' }, false],
    [{}, false],
  ];
  it.each(locale)('locale %j', (env, utf8) => {
    const style = styleOf(pipe, env, 'auto');
    expect(style.utf8).toBe(utf8);
    expect(finish(style, 'a → b')).toBe(utf8 ? 'a → b' : 'a -> b');
  });

  it('limits the width on a terminal alone', () => {
    const columns = [terminal, { ...terminal, columns: 0 }, pipe].map((output) => styleOf(output, {}, 'auto').columns);
    expect(columns).toEqual([80, 80, null]);
  });

  it('paints only when asked to', () => {
    expect(paint({ ...styleOf(pipe, {}, 'always') }, 'red', 'x')).toBe('\u001b[31mx\u001b[0m');
    expect(paint({ ...styleOf(pipe, {}, 'never') }, 'red', 'x')).toBe('x');
  });
});

describe('tables', () => {
  const columns: Column<{ name: string; n: string }>[] = [
    { header: 'NAME', text: (row) => row.name, paint: () => 'green' },
    { header: 'N', text: (row) => row.n, right: true },
    { header: 'LAST', text: () => 'last' },
  ];
  const rows = [
    { name: 'web-03', n: '7' },
    { name: '日本', n: '1,000' },
  ];
  const style = { color: false, utf8: true, columns: null, isTTY: false };

  it('lines up, numbers to the right, without spaces at the end', () => {
    expect(renderTable(columns, rows, style)).toEqual([
      'NAME        N  LAST',
      'web-03      7  last',
      '日本    1,000  last',
    ]);
  });
  it('drops columns from the right, never the name', () => {
    expect(renderTable(columns, rows, { ...style, columns: 18 })).toEqual([
      'NAME        N',
      'web-03      7',
      '日本    1,000',
    ]);
    expect(renderTable(columns, rows, { ...style, columns: 3 })).toEqual(['NAME', 'web-03', '日本']);
  });
  it('leaves out headers', () =>
    expect(renderTable(columns, rows, style, false)).toEqual(['web-03      7  last', '日本    1,000  last']));
  it('is nothing without rows and headers', () => expect(renderTable(columns, [], style, false)).toEqual([]));
  it('keeps colours out of the widths', () => {
    expect(renderTable(columns, rows.slice(0, 1), { ...style, color: true })[1]).toBe(
      '\u001b[32mweb-03\u001b[0m  7  last',
    );
  });
  it('escapes what cells bring along', () => {
    expect(renderTable(columns, [{ name: 'a\u001b[2Jb', n: '1' }], style, false)).toEqual(['a\\x1b[2Jb  1  last']);
  });
});
