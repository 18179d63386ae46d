import { afterEach, describe, expect, it, vi } from 'vitest';
import { Watchers } from '../../src/repository/watchers.js';

afterEach(() => void vi.restoreAllMocks());

describe('Watchers', () => {
  it('leave nothing behind when the last listener of an entity stops', () => {
    const watchers = new Watchers<string>();
    const stops = ['a', 'a', 'b'].map((id) => watchers.add(id, () => undefined));
    expect(watchers.size).toBe(2);
    stops[0]?.();
    expect(watchers.size).toBe(2);
    for (const stop of stops) stop();
    expect(watchers.size).toBe(0);
  });

  it('do not let one who stops twice take away those who came later', () => {
    const watchers = new Watchers<string>();
    const told: string[] = [];
    const stop = watchers.add('a', () => told.push('old'));
    stop();
    watchers.add('a', () => told.push('new'));
    stop();
    watchers.tell('a', 'x');
    expect(told).toEqual(['new']);
    expect(watchers.size).toBe(1);
  });

  it('pass on to the others when one throws, and let its error come out of nobody’s call', () => {
    const later: (() => void)[] = [];
    vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((task) => void later.push(task));
    const watchers = new Watchers<string>();
    const told: unknown[] = [];
    const error = new Error('listener');
    watchers.add('a', () => {
      throw error;
    });
    watchers.add('a', (current) => told.push(current));
    watchers.tell('a', 'x');
    expect(told).toEqual(['x']);
    expect(later).toHaveLength(1);
    expect(() => later[0]?.()).toThrow(error);
  });
});
