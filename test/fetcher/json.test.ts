import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../src/fetcher/json.js';

const parse = (text: string): unknown => parseJson(Buffer.from(text));

/** A JSON value whose large whole numbers are bigints, which JSON.stringify cannot write. */
type Value = null | boolean | number | string | bigint | Value[] | { [key: string]: Value };

const values = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, false),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
    fc.maxSafeInteger(),
    fc.string({ unit: 'binary' }),
    fc.stringMatching(/^["\\0-9,:[\]{} -]{0,24}$/),
    fc.array(tie('value'), { maxLength: 6 }),
    fc.dictionary(fc.string({ unit: 'binary' }), tie('value'), { maxKeys: 6 }),
  ),
})).value;

function write(value: Value, space: string): string {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${space}${value.map((item) => write(item, space)).join(`,${space}`)}${space}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([key, member]) => `${JSON.stringify(key)}${space}:${space}${write(member, space)}`,
  );
  return `{${space}${members.join(`,${space}`)}${space}}`;
}

/** What must come out: numbers that a float64 holds as numbers, larger whole ones as their text. */
function expected(value: Value): unknown {
  if (typeof value === 'bigint') return isSafe(value) ? Number(value) : value.toString();
  if (typeof value === 'number') {
    const text = JSON.stringify(value);
    return /^-?\d+$/.test(text) && !isSafe(BigInt(text)) ? text : value + 0;
  }
  if (Array.isArray(value)) return value.map(expected);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, expected(member)]));
}

const isSafe = (value: bigint): boolean =>
  value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= -BigInt(Number.MAX_SAFE_INTEGER);

describe('parseJson', () => {
  it('reads every JSON value, whole numbers beyond 2^53 as text without losing a digit', () => {
    fc.assert(
      fc.property(values, fc.constantFrom('', ' ', '\n\t '), (value, space) => {
        expect(parse(write(value, space))).toEqual(expected(value));
      }),
      { numRuns: 2000 },
    );
  });

  it('accepts and refuses the same texts as JSON.parse', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      ' ',
      '-',
      '.',
      'e',
      '1',
      '0',
      '12345678901234567890',
      '9007199254740993',
      '"a"',
      '"12345678901234567890"',
      'true',
      'null',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        if (valid) expect(() => parse(text), text).not.toThrow();
        else expect(() => parse(text), text).toThrow(SyntaxError);
      }),
      { numRuns: 20_000 },
    );
  });

  it.each([
    ['9007199254740991', 9007199254740991],
    ['-9007199254740991', -9007199254740991],
    ['9007199254740992', '9007199254740992'],
    ['-9007199254740993', '-9007199254740993'],
    ['18446744073709551615', '18446744073709551615'],
    ['[1,12345678901234567890 ,2]', [1, '12345678901234567890', 2]],
    ['{"a":12345678901234567890}', { a: '12345678901234567890' }],
    ['12345678901234567890.5', 12345678901234567000],
    ['0.30000000000000004', 0.30000000000000004],
    ['1e30', 1e30],
    ['"12345678901234567890"', '12345678901234567890'],
    ['"a\\\\",', undefined],
    ['"é\\"12345678901234567890"', 'é"12345678901234567890'],
    ['\ufeff{"a":1}', { a: 1 }],
  ])('%s', (text, value) => {
    if (value === undefined) expect(() => parse(text)).toThrow('the body is not JSON');
    else expect(parse(text)).toEqual(value);
  });

  it('does not make a bad text a good one by quoting', () => {
    for (const text of [
      '{12345678901234567890:1}',
      '12345678901234567890"',
      '012345678901234567890',
      '[12345678901234567890 1]',
    ]) {
      expect(() => parse(text), text).toThrow(SyntaxError);
    }
  });

  it('refuses deep nesting before it costs memory', () => {
    expect(() => parse('['.repeat(5_000_000))).toThrow('nested deeper than 64');
    expect(parse(`${'['.repeat(64)}${']'.repeat(64)}`)).toBeInstanceOf(Array);
  });

  it('refuses a body of nothing but empty objects', () => {
    const before = process.memoryUsage().heapUsed;
    expect(() => parse(`[${'{},'.repeat(8_000_000)}{}]`)).toThrow('too many objects');
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(50_000_000);
  });

  it('says nothing of the body in its errors, and tells an empty one apart', () => {
    expect(() => parse('secret')).toThrow(/^the body is not JSON$/);
    expect(() => parse(' \n')).toThrow(/^the body is empty$/);
  });

  it('keeps a member named __proto__ away from prototypes', () => {
    const value = parse('{"__proto__":{"polluted":true},"n":12345678901234567890}') as Record<string, unknown>;
    expect(value['polluted']).toBeUndefined();
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});
