import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanJson } from '../../src/fetcher/decode/json-value.js';
import { Problems } from '../../src/fetcher/decode/problems.js';
import { Reader } from '../../src/fetcher/decode/reader.js';
import { parseJson } from '../../src/fetcher/json.js';
import { cleanText, excerpt } from '../../src/fetcher/text.js';

function read<T>(value: unknown, how: (reader: Reader) => T): { value: T; problems: string[] } {
  const problems = new Problems();
  const result = how(new Reader({ f: value }, 'vms[3]', problems, 'vm-1'));
  return { value: result, problems: problems.list().map((p) => `${p.path}: ${p.message}`) };
}

const unreadable = expect.arrayContaining([expect.stringMatching(/^vms\[3\]\.f: /)]);

describe('whole numbers', () => {
  it.each([
    [12, 12],
    ['12', 12],
    ['12.99', 12],
    [12.99, 12],
    ['-12.99', -12],
    ['+7', 7],
    [' 8 ', 8],
    ['-0.4', 0],
    ['', undefined],
    [null, undefined],
    [undefined, undefined],
    ['9007199254740991', 9007199254740991],
    ['1e3', 1000],
  ])('%j → %j', (value, expected) => {
    expect(read(value, (r) => r.int('f'))).toEqual({ value: expected, problems: [] });
  });

  it.each([['abc'], ['0x10'], ['9007199254740992'], ['1e300'], [true], [{}], [[]], ['NaN'], ['1'.repeat(100)]])(
    '%j is a problem',
    (value) => {
      expect(read(value, (r) => r.int('f'))).toEqual({ value: undefined, problems: unreadable });
    },
  );
});

describe('numbers with decimals', () => {
  it.each([
    ['2.37', 2.37],
    [2, 2],
    ['2', 2],
    ['206866.29439789162', 206866.29439789162],
    ['1e-05', 1e-5],
    ['.5', 0.5],
    ['', undefined],
  ])('%j → %j', (value, expected) => {
    expect(read(value, (r) => r.float('f'))).toEqual({ value: expected, problems: [] });
  });

  it.each([['inf'], ['nan'], ['1e999'], [1e16], ['1,5'], [false]])('%j is a problem', (value) => {
    expect(read(value, (r) => r.float('f'))).toEqual({ value: undefined, problems: unreadable });
  });
});

describe('counters', () => {
  it.each([
    ['18446744073709551615', 18446744073709551615n],
    ['0', 0],
    ['0.00', 0],
    [4294967296, 4294967296],
    ['-1', undefined],
    ['', undefined],
  ])('%j → %s', (value, expected) => {
    expect(read(value, (r) => r.count('f'))).toEqual({ value: expected, problems: [] });
  });

  it.each([['-2'], ['1e5'], ['9'.repeat(41)], ['9'.repeat(1_000_000)], [1e300], ['12a']])(
    '%# is a problem',
    (value) => {
      expect(read(value, (r) => r.count('f'))).toEqual({ value: undefined, problems: unreadable });
    },
  );

  it('keeps every digit of a JSON number beyond 2^53', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (count) => {
        const parsed = parseJson(Buffer.from(`{"f": ${count}}`)) as { f: unknown };
        const exact = count > Number.MAX_SAFE_INTEGER ? count : Number(count);
        expect(read(parsed.f, (r) => r.count('f')).value).toBe(exact);
      }),
    );
  });
});

describe('booleans', () => {
  it.each([
    [true, true],
    ['true', true],
    ['True', true],
    ['FALSE', false],
    ['False', false],
    [1, true],
    ['0', false],
    ['', undefined],
  ])('%j → %j', (value, expected) => {
    expect(read(value, (r) => r.bool('f'))).toEqual({ value: expected, problems: [] });
  });

  it('anything else is a problem', () => {
    expect(read('yes', (r) => r.bool('f'))).toEqual({ value: undefined, problems: unreadable });
  });

  it.each(['{"toString":null,"valueOf":1}', '[]', '2', '{"__proto__":null}'])(
    '%s is a problem, and no more',
    (json) => {
      expect(read(JSON.parse(json), (r) => r.bool('f'))).toEqual({ value: undefined, problems: unreadable });
    },
  );
});

describe('texts', () => {
  it('are cut at their limit, never through a pair, and can be stored', () => {
    expect(read('a\0b\ud800c', (r) => r.text('f')).value).toBe('a\ufffdb\ufffdc');
    expect(read('abcdef', (r) => r.text('f', 4)).value).toBe('abcd');
    expect(read('abc😀', (r) => r.text('f', 4)).value).toBe('abc');
    expect(read(42, (r) => r.text('f')).value).toBe('42');
  });

  it('keep everything else as the guest wrote it', () => {
    const text = '  <b>\u001b[31m \u202e ünï 😀\n';
    expect(read(text, (r) => r.text('f'))).toEqual({ value: text, problems: [] });
  });

  it('cleaned ones never hold NUL or half a pair', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.nat(40), (text, max) => {
        const halves = [...text].map((c) => c[0]).join('');
        for (const dirty of [text, halves]) {
          const clean = cleanText(dirty, max);
          expect(clean.length <= max && !/[\0\p{Cs}]/u.test(clean)).toBe(true);
        }
      }),
    );
  });

  it('as names are taken whole or not at all', () => {
    expect(read('eth0', (r) => r.key('f')).value).toBe('eth0');
    expect(read('a'.repeat(256), (r) => r.key('f'))).toEqual({ value: undefined, problems: unreadable });
    expect(read('a\0', (r) => r.key('f'))).toEqual({ value: undefined, problems: unreadable });
    expect(read('', (r) => r.key('f'))).toEqual({ value: undefined, problems: [] });
  });
});

describe('maps and lists', () => {
  it('leave out what cannot be a name, and say so', () => {
    const value = JSON.parse('{"__proto__":{},"ok":{},"":{},"a\\u0000":{},"n":1}');
    const { value: entries, problems } = read(value, (r) => r.entries('f')?.map(([name]) => name));
    expect(entries).toEqual(['ok']);
    expect(problems).toHaveLength(4);
  });

  it('are limited', () => {
    const list = new Array(10_000).fill('x');
    expect(read(list, (r) => r.texts('f')?.length)).toEqual({ value: 4096, problems: unreadable });
    const map = Object.fromEntries(list.map((_, i) => [`n${i}`, {}]));
    expect(read(map, (r) => r.entries('f')?.length).value).toBe(4096);
  });

  it('inherited members are not members', () => {
    expect(new Reader({}, '', new Problems()).raw('constructor')).toBeUndefined();
  });
});

it('problems of one answer are limited', () => {
  const problems = new Problems();
  for (let i = 0; i < 1000; i++) problems.add(`p${i}`, 'bad');
  expect(problems.list()).toHaveLength(101);
  expect(problems.list().at(-1)?.message).toBe('and 900 more');
});

describe('free values', () => {
  it('are kept with storable texts, without a prototype as a member', () => {
    const value = JSON.parse('{"a":["x\\u0000",{"__proto__":{"p":1},"b":true}],"c":null}');
    expect(cleanJson(value)).toEqual({ a: ['x\ufffd', { b: true }], c: null });
  });

  it('are dropped when too deep or too large', () => {
    expect(cleanJson(JSON.parse(`${'['.repeat(9)}${']'.repeat(9)}`))).toBeUndefined();
    expect(cleanJson(new Array(5000).fill(0))).toBeUndefined();
  });
});

it('an excerpt is one short printable line', () => {
  expect(excerpt('a\r\n\u001b[31mred\u202e\0')).toBe('a\\u000d\\u000a\\u001b[31mred\\u202e\\u0000');
  expect(excerpt('x'.repeat(100))).toBe(`${'x'.repeat(80)}…`);
});
