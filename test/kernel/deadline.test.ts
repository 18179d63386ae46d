import { describe, expect, it } from 'vitest';
import { VirtualTime, withDeadline } from '../../src/kernel/index.js';

const options = { ms: 100, code: 'AGENT_TIMEOUT', message: 'h1 did not answer in time', label: 'deadline' } as const;

/** How a promise stands, without waiting for it. */
function watched<T>(promise: Promise<T>) {
  const state: { value?: T; error?: unknown; settled: boolean } = { settled: false };
  promise.then(
    (value) => Object.assign(state, { value, settled: true }),
    (error: unknown) => Object.assign(state, { error, settled: true }),
  );
  return state;
}

function setup() {
  const time = new VirtualTime();
  let resolve: (value: string) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const signals: AbortSignal[] = [];
  /** A call that ignores its signal. */
  const call = (signal: AbortSignal): Promise<string> => {
    signals.push(signal);
    return new Promise<string>((yes, no) => {
      resolve = yes;
      reject = no;
    });
  };
  return {
    time,
    call,
    signals,
    resolve: (value: string) => resolve(value),
    reject: (error: unknown) => reject(error),
  };
}

describe('withDeadline', () => {
  it('passes the answer on and leaves no timer', async () => {
    const { time, call, resolve, signals } = setup();
    const result = watched(withDeadline(time, options, call));
    await time.runFor(99);
    expect(time.waiting()).toEqual(new Map([['deadline', 1]]));
    resolve('answer');
    await time.runFor(0);
    expect(result.value).toBe('answer');
    expect(time.waiting()).toEqual(new Map());
    await time.runFor(1000);
    expect(signals[0]?.aborted).toBe(false);
  });

  it('passes an error on and leaves no timer', async () => {
    const { time, call, reject } = setup();
    const result = watched(withDeadline(time, options, call));
    const error = new Error('refused');
    await time.runFor(0);
    reject(error);
    await time.runFor(0);
    expect(result.error).toBe(error);
    expect(time.waiting()).toEqual(new Map());
  });

  it('leaves no timer when the call throws instead of answering', async () => {
    const time = new VirtualTime();
    const result = withDeadline(time, options, () => {
      throw new Error('at once');
    });
    await expect(result).rejects.toThrow('at once');
    expect(time.waiting()).toEqual(new Map());
  });

  it('settles at the deadline though the call ignores its signal, and drops what comes later', async () => {
    const { time, call, resolve, signals } = setup();
    const result = watched(withDeadline(time, options, call));
    await time.runFor(99);
    expect(result.settled).toBe(false);
    await time.runFor(1);
    expect(result.error).toMatchObject({ code: 'AGENT_TIMEOUT', message: 'h1 did not answer in time' });
    expect(signals[0]?.reason).toBe(result.error);
    resolve('too late');
    await time.runFor(0);
    expect(result.value).toBeUndefined();
  });

  it('keeps a late error of an abandoned call from becoming an unhandled rejection', async () => {
    const { time, call, reject } = setup();
    const result = watched(withDeadline(time, options, call));
    await time.runFor(100);
    // Vitest fails the run if this one is reported as unhandled.
    reject(new Error('connection closed'));
    await time.runFor(10);
    expect(result.error).toMatchObject({ code: 'AGENT_TIMEOUT' });
  });

  it('aborts with its parent, for the parent’s reason', async () => {
    const { time, call, signals } = setup();
    const parent = new AbortController();
    const result = watched(withDeadline(time, { ...options, parent: parent.signal }, call));
    await time.runFor(10);
    const reason = new Error('host removed');
    parent.abort(reason);
    await time.runFor(0);
    expect(result.error).toBe(reason);
    expect(signals[0]?.reason).toBe(reason);
    expect(time.waiting()).toEqual(new Map());
  });

  it('does not even call when the parent was aborted before', async () => {
    const { time, call, signals } = setup();
    const reason = new Error('stopped');
    const result = withDeadline(time, { ...options, parent: AbortSignal.abort(reason) }, call);
    await expect(result).rejects.toBe(reason);
    expect(signals).toEqual([]);
    expect(time.waiting()).toEqual(new Map());
  });

  it('lets go of a parent that outlives it', async () => {
    const { time, call, resolve, signals } = setup();
    const parent = new AbortController();
    const result = watched(withDeadline(time, { ...options, parent: parent.signal }, call));
    await time.runFor(0);
    resolve('answer');
    await time.runFor(0);
    parent.abort(new Error('later'));
    expect(result.value).toBe('answer');
    // A listener left behind would have aborted the finished call's signal.
    expect(signals[0]?.aborted).toBe(false);
  });

  it('can be stopped by its owner, for as long as it runs', async () => {
    const { time, call, signals } = setup();
    const owner: { stop: ((reason: unknown) => void) | null } = { stop: null };
    const result = watched(withDeadline(time, { ...options, owner }, call));
    await time.runFor(0);
    const reason = new Error('host removed');
    owner.stop?.(reason);
    await time.runFor(0);
    expect(result.error).toBe(reason);
    expect(signals[0]?.reason).toBe(reason);
    expect(owner.stop).toBeNull();
    expect(time.waiting()).toEqual(new Map());
  });

  it('leaves its owner nothing to stop when it is over', async () => {
    const { time, call, resolve } = setup();
    const owner: { stop: ((reason: unknown) => void) | null } = { stop: null };
    const result = watched(withDeadline(time, { ...options, owner }, call));
    await time.runFor(0);
    resolve('answer');
    await time.runFor(0);
    expect([result.value, owner.stop]).toEqual(['answer', null]);
  });
});
