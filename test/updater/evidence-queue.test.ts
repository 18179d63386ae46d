import { beforeEach, describe, expect, it } from 'vitest';
import type { Evidence } from '../../src/events/index.js';
import { type LogFields, silentTelemetry, VirtualTime, VurtiError } from '../../src/kernel/index.js';
import { EvidenceQueue, type Steps } from '../../src/updater/evidence-queue.js';
import { stamp } from '../support/entities.js';

let time: VirtualTime;
let lines: string[];
let errors: (LogFields | undefined)[];
beforeEach(() => {
  time = new VirtualTime();
  lines = [];
  errors = [];
});

const error = new VurtiError('AGENT_TIMEOUT', 'm');
const piece = (host: string, seq: number): Evidence => ({
  name: 'VmStatsFailed',
  host,
  stamp: stamp({ host, seq }),
  error,
});
const nameOf = ({ host, stamp: { seq } }: Evidence): string => `${host}.${seq}`;

/** A queue whose evidence takes `steps` steps after it was begun; each step is noted. */
function queueOf(options: { steps?: number; sliceSize?: number; apply?: (evidence: Evidence) => Steps }) {
  const apply = (evidence: Evidence): Steps => {
    lines.push(nameOf(evidence));
    const { steps } = options;
    return steps === undefined ? undefined : walk(nameOf(evidence), steps);
  };
  return new EvidenceQueue({
    apply: options.apply ?? apply,
    clock: time,
    scheduler: time,
    telemetry: { ...silentTelemetry, log: (_, __, fields) => void errors.push(fields) },
    sliceSize: options.sliceSize ?? 1000,
  });
}

function* walk(name: string, steps: number): Generator<void, void, void> {
  for (let i = 1; i <= steps; i++) {
    lines.push(`${name}/${i}`);
    yield;
  }
}

const nextTurn = (): Promise<void> => time.runFor(0);

describe('EvidenceQueue, idle', () => {
  it('applies evidence inside push', () => {
    const queue = queueOf({});
    queue.push(piece('h1', 1));
    expect(lines).toEqual(['h1.1']);
    expect([queue.isBusy('h1'), queue.waiting]).toEqual([false, 0]);
  });

  it('is idle at once when nothing waits', async () => {
    const queue = queueOf({ steps: 3 });
    queue.push(piece('h1', 1));
    await expect(queue.whenIdle()).resolves.toBeUndefined();
    expect(lines).toEqual(['h1.1', 'h1.1/1', 'h1.1/2', 'h1.1/3']);
  });

  it('begins each push with a whole slice', () => {
    const queue = queueOf({ sliceSize: 2 });
    for (let i = 1; i <= 10; i++) queue.push(piece('h1', i));
    expect(lines).toHaveLength(10);
    expect(time.waiting().size).toBe(0);
  });
});

describe('EvidenceQueue, draining', () => {
  it('keeps the order of one host: a piece is finished before the next is begun', async () => {
    const queue = queueOf({ steps: 2, sliceSize: 1 });
    for (const seq of [1, 2, 3]) queue.push(piece('h1', seq));
    await time.runFor(0);
    expect(lines).toEqual([1, 2, 3].flatMap((seq) => [`h1.${seq}`, `h1.${seq}/1`, `h1.${seq}/2`]));
  });

  it('gives hosts one step each in turn', async () => {
    const queue = queueOf({ steps: 2, sliceSize: 1 });
    queue.push(piece('h1', 1));
    queue.push(piece('h2', 1));
    queue.push(piece('h1', 2));
    await nextTurn();
    expect(lines.filter((line) => !line.startsWith('h1.2'))).toEqual([
      ...['h1.1', 'h1.1/1', 'h2.1', 'h1.1/2', 'h2.1/1', 'h2.1/2'],
    ]);
    expect(lines.indexOf('h1.2')).toBeGreaterThan(lines.indexOf('h1.1/2'));
  });

  it('goes on in the ring where the slice before it ended', async () => {
    const queue = queueOf({ steps: 3, sliceSize: 2 });
    const hosts = ['h1', 'h2', 'h3', 'h4', 'h5'];
    for (const name of hosts) queue.push(piece(name, 1));
    await nextTurn();
    // Had each slice begun with h1 again, h5 would wait until h1 and h2 are done.
    const begun = hosts.map((name) => lines.indexOf(`${name}.1`));
    const ended = hosts.map((name) => lines.indexOf(`${name}.1/3`));
    expect(Math.max(...begun)).toBeLessThan(Math.min(...ended.slice(1)));
  });

  it('lets a small report overtake a large one of another host', async () => {
    const queue = queueOf({ steps: 50, sliceSize: 10 });
    queue.push(piece('big', 1));
    queue.push(piece('small', 1));
    await nextTurn();
    expect(lines.indexOf('small.1')).toBeLessThan(15);
    expect(lines).toHaveLength(102);
  });

  it('gives the event loop its turn after each slice', async () => {
    const queue = queueOf({ steps: 25, sliceSize: 10 });
    queue.push(piece('h1', 1));
    expect(lines).toHaveLength(10);
    expect(time.waiting().get('yield')).toBe(1);
    // Something else that waits for the event loop runs between two slices.
    time.after(0, () => lines.push('other work'), 't');
    await nextTurn();
    expect(lines.indexOf('other work')).toBe(20);
    expect(lines).toHaveLength(27);
  });

  it('says which hosts still wait', async () => {
    const queue = queueOf({ steps: 5, sliceSize: 3 });
    queue.push(piece('h1', 1));
    queue.push(piece('h2', 1));
    queue.push(piece('h2', 2));
    expect([queue.isBusy('h1'), queue.isBusy('h2'), queue.isBusy('h3')]).toEqual([true, true, false]);
    // h1's only piece is under way, h2's two have not begun.
    expect(queue.waiting).toBe(2);
    await nextTurn();
    expect([queue.isBusy('h1'), queue.isBusy('h2'), queue.waiting]).toEqual([false, false, 0]);
  });

  it('tells everybody who waits for it when it is idle', async () => {
    const queue = queueOf({ steps: 5, sliceSize: 1 });
    queue.push(piece('h1', 1));
    for (const who of ['a', 'b']) void queue.whenIdle().then(() => lines.push(`idle ${who}`));
    await nextTurn();
    expect(lines.slice(-3)).toEqual(['h1.1/5', 'idle a', 'idle b']);
  });

  it('takes what is pushed while evidence is applied, after it', () => {
    const queue: EvidenceQueue = queueOf({
      apply: (evidence) => {
        lines.push(`${nameOf(evidence)} begins`);
        if (evidence.stamp.seq === 1) {
          queue.push(piece('h1', 2));
          queue.push(piece('h2', 3));
        }
        lines.push(`${nameOf(evidence)} ends`);
        return undefined;
      },
    });
    queue.push(piece('h1', 1));
    expect(lines).toEqual(['h1.1 begins', 'h1.1 ends', 'h2.3 begins', 'h2.3 ends', 'h1.2 begins', 'h1.2 ends']);
  });
});

describe('EvidenceQueue, while a piece is applied at once', () => {
  it('says that its host is busy, and of it nothing waits', () => {
    const seen: unknown[] = [];
    const queue: EvidenceQueue = queueOf({
      apply: ({ host }) => {
        seen.push(queue.isBusy(host), queue.isBusy('another'), queue.waitingOf(host), queue.waiting);
        return undefined;
      },
    });
    queue.push(piece('h1', 1));
    expect(seen).toEqual([true, false, 0, 0]);
    expect(queue.isBusy('h1')).toBe(false);
  });

  it('finishes what takes more steps before what the host has said meanwhile', async () => {
    const queue: EvidenceQueue = queueOf({
      apply: (evidence) => {
        lines.push(`${nameOf(evidence)} begins`);
        if (evidence.stamp.seq === 1) queue.push(piece('h1', 2));
        return steps(nameOf(evidence));
      },
    });
    queue.push(piece('h1', 1));
    await queue.whenIdle();
    expect(lines).toEqual(['h1.1 begins', 'h1.1 goes on', 'h1.2 begins', 'h1.2 goes on']);
  });

  it('does not go on with a host that was forgotten in it', () => {
    const queue: EvidenceQueue = queueOf({
      apply: (evidence) => {
        queue.forget('h1');
        return steps(nameOf(evidence));
      },
    });
    queue.push(piece('h1', 1));
    expect(lines).toEqual([]);
    expect(queue.isBusy('h1')).toBe(false);
  });

  function* steps(name: string): Generator<void, void, void> {
    lines.push(`${name} goes on`);
    yield;
  }
});

describe('EvidenceQueue.forget', () => {
  it('drops what waits for the host, also a piece under way, and nothing of others', async () => {
    const queue = queueOf({ steps: 3, sliceSize: 2 });
    queue.push(piece('h1', 1));
    queue.push(piece('h1', 2));
    queue.push(piece('h2', 1));
    queue.forget('h1');
    expect([queue.isBusy('h1'), queue.isBusy('h2')]).toEqual([false, true]);
    await nextTurn();
    expect(lines).toEqual(['h1.1', 'h1.1/1', 'h2.1', 'h2.1/1', 'h2.1/2', 'h2.1/3']);
    expect(queue.waiting).toBe(0);
  });

  it('does not keep those waiting who wait for idleness', async () => {
    const queue = queueOf({ steps: 3, sliceSize: 1 });
    queue.push(piece('h1', 1));
    const idle = queue.whenIdle().then(() => lines.push('idle'));
    queue.forget('h1');
    await nextTurn();
    await idle;
    expect(lines.at(-1)).toBe('idle');
  });

  it('leaves the evidence of a host that was added again', async () => {
    const queue: EvidenceQueue = queueOf({
      apply: (evidence) => {
        lines.push(nameOf(evidence));
        if (evidence.stamp.seq === 1) {
          queue.forget('h1');
          queue.push(piece('h1', 2));
        }
        return undefined;
      },
    });
    queue.push(piece('h1', 1));
    await nextTurn();
    expect(lines).toEqual(['h1.1', 'h1.2']);
  });
});

describe('EvidenceQueue and errors', () => {
  const broken = new Error('broken');
  function* breaks(): Generator<void, void, void> {
    lines.push('half');
    yield;
    throw broken;
  }

  it.each<[string, () => Steps]>([
    [
      'when it is begun',
      () => {
        throw broken;
      },
    ],
    ['on its way', breaks],
    [
      'on its way, and it would go on throwing for ever',
      () => ({
        next: () => {
          throw broken;
        },
      }),
    ],
  ])('loses one piece of evidence, and goes on: %s', async (_, apply) => {
    const queue = queueOf({
      sliceSize: 1,
      apply: (evidence) => {
        if (evidence.host === 'bad' && evidence.stamp.seq === 1) return apply();
        lines.push(nameOf(evidence));
        return undefined;
      },
    });
    queue.push(piece('bad', 1));
    queue.push(piece('bad', 2));
    queue.push(piece('good', 1));
    await nextTurn();
    expect(lines).toEqual(expect.arrayContaining(['bad.2', 'good.1']));
    expect(errors).toEqual([{ host: 'bad', error: 'Error: broken' }]);
    expect([queue.waiting, queue.isBusy('bad')]).toEqual([0, false]);
    await expect(queue.whenIdle()).resolves.toBeUndefined();
  });
});
