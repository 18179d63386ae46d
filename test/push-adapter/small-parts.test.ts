import { describe, expect, it } from 'vitest';
import type { AgentRequest } from '../../src/events/index.js';
import { SeededRandom, seconds } from '../../src/kernel/index.js';
import { History } from '../../src/push-adapter/history.js';
import { Lateness } from '../../src/push-adapter/lateness.js';
import { busierMultiple, multipleOf } from '../../src/push-adapter/pace.js';
import { RequestQueue } from '../../src/push-adapter/request-queue.js';

describe('pace', () => {
  const lost = { status: 'NonResponsive' as const, ticksPerInterval: 5, busy: 1, pushes: 1 };

  it.each([
    [0, 0, 1],
    [1, 0, 1],
    [3, 0, 3],
    [3, 0.99, 3],
    [4, 0.99, 3],
    [5, 0, 5],
    [5, 0.5, 5],
    [5, 0.99, 4],
    [1000, 0, 5],
    [1000, 0.99, 4],
  ])('NonResponsive after %d attempts, chance %d: each %d ticks', (attempts, chance, multiple) => {
    expect(multipleOf({ ...lost, attempts, chance })).toBe(multiple);
  });

  it('is never longer than one interval, whatever happens', () => {
    const random = new SeededRandom(7);
    for (let attempts = 0; attempts < 200; attempts++) {
      const multiple = multipleOf({ ...lost, attempts, chance: random.next() });
      expect(multiple).toBeGreaterThanOrEqual(1);
      expect(multiple).toBeLessThanOrEqual(5);
    }
    expect(multipleOf({ ...lost, ticksPerInterval: 1, attempts: 50, chance: 0.9 })).toBe(1);
  });

  it.each(['Connecting', 'Unassigned', 'Initializing', 'Up'] as const)('%s: at full pace unless busy', (status) => {
    expect(multipleOf({ ...lost, status, attempts: 9, chance: 0.5 })).toBe(1);
    expect(multipleOf({ ...lost, status, attempts: 0, chance: 0.5, busy: 4 })).toBe(4);
  });

  it('trust in pushes and busy answers: the longer of the two', () => {
    expect(multipleOf({ ...lost, status: 'Up', attempts: 0, chance: 0, busy: 2, pushes: 4 })).toBe(4);
    expect(multipleOf({ ...lost, status: 'Up', attempts: 0, chance: 0, busy: 4, pushes: 2 })).toBe(4);
  });

  it('doubles with busy answers up to the longest interval', () => {
    const poll = { intervalSeconds: 15, maxIntervalSeconds: 60 };
    expect([1, 2, 4].map((multiple) => busierMultiple(multiple, poll))).toEqual([2, 4, 4]);
    expect(busierMultiple(1, { intervalSeconds: 60, maxIntervalSeconds: 30 })).toBe(1);
  });
});

describe('history', () => {
  it('keeps the last eight, oldest first', () => {
    const history = new History();
    expect(history.list()).toEqual([]);
    for (let i = 0; i < 20; i++) history.add(i, 'Host.getStats', i % 2 === 0 ? 'answered' : 'silent', i, null);
    expect(history.list().map((entry) => entry.at)).toEqual([12, 13, 14, 15, 16, 17, 18, 19]);
    const before = history.list();
    history.add(20, 'Host.getAllVmStats', 'silent', 1, 'AGENT_TIMEOUT');
    expect(before[0]).toMatchObject({ at: 12 });
    expect(history.list().at(-1)).toEqual({
      ...{ at: 20, method: 'Host.getAllVmStats', outcome: 'silent', durationMs: 1, code: 'AGENT_TIMEOUT' },
    });
  });
});

describe('lateness', () => {
  it('is not known before anything was measured, and forgets', () => {
    const lateness = new Lateness(seconds(60));
    expect(lateness.p99(0)).toBeNull();
    lateness.add(5, 1000);
    expect(lateness.p99(seconds(61))).toBe(5);
    expect(lateness.p99(seconds(61) + 1)).toBeNull();
  });

  it('is the 99th percentile of what is kept', () => {
    const lateness = new Lateness(seconds(60), 200);
    for (let i = 1; i <= 100; i++) lateness.add(i, i);
    expect(lateness.p99(100)).toBe(99);
    for (let i = 0; i < 200; i++) lateness.add(i === 0 ? 1e6 : 7, 200);
    expect(lateness.p99(200)).toBe(7);
  });
});

describe('request queue', () => {
  const request = (method: 'Host.getStats' | 'Host.getCapabilities'): AgentRequest => ({
    host: 'h',
    method,
    reason: 'r',
  });
  const dump = (...vmIds: string[]): AgentRequest => ({ host: 'h', method: 'Host.dumpxmls', vmIds, reason: 'r' });

  it('holds each method once and merges ids', () => {
    const queue = new RequestQueue();
    for (const r of [request('Host.getStats'), dump('a', 'b'), request('Host.getStats'), dump('b', 'c')]) queue.add(r);
    expect(queue.take(() => true)).toMatchObject({ method: 'Host.getStats', purpose: 'request' });
    expect(queue.take(() => true)).toMatchObject({ method: 'Host.dumpxmls', vmIds: ['a', 'b', 'c'] });
    expect(queue.take(() => true)).toBeUndefined();
    expect(queue.isEmpty).toBe(true);
  });

  it('passes over methods that are not free, and cuts long lists', () => {
    const queue = new RequestQueue();
    for (const r of [request('Host.getCapabilities'), dump(...Array.from({ length: 250 }, (_, i) => `v${i}`))])
      queue.add(r);
    const isFree = (method: string) => method !== 'Host.getCapabilities';
    expect([1, 2, 3, 4].map(() => queue.take(isFree)?.vmIds.length)).toEqual([100, 100, 50, undefined]);
    expect(queue.isEmpty).toBe(false);
    queue.clear();
    expect(queue.isEmpty).toBe(true);
  });

  it('asks the halves of what was refused as a whole, until the one at fault stands alone', () => {
    const queue = new RequestQueue();
    queue.add(dump('a', 'b', 'bad', 'c', 'd'));
    const asked: string[] = [];
    for (let ask = queue.take(() => true); ask !== undefined; ask = queue.take(() => true)) {
      asked.push(ask.vmIds.join(''));
      if (ask.vmIds.includes('bad')) queue.refused(ask);
    }
    expect(asked).toEqual(['abbadcd', 'abbad', 'cd', 'ab', 'bad']);
    expect(queue.isEmpty).toBe(true);
    queue.refused({ method: 'Host.dumpxmls', purpose: 'request', vmIds: ['a', 'b'] });
    expect(queue.isEmpty).toBe(false);
    expect(queue.take((method) => method !== 'Host.dumpxmls')).toBeUndefined();
    queue.clear();
    expect(queue.isEmpty).toBe(true);
  });
});
