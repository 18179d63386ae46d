import { config, map } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { Channel, causeOf } from '../../src/events/index.js';
import { stamp } from '../support/entities.js';

/** RxJS reports errors of subscribers in a later turn of the event loop. */
const laterTurn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe('Channel', () => {
  afterEach(() => {
    config.onUnhandledError = null;
  });

  it('gives every value to every subscriber, in order, before publish returns', () => {
    const channel = new Channel<number>();
    const seen: string[] = [];
    channel.stream$.subscribe((n) => seen.push(`a${n}`));
    channel.stream$.subscribe((n) => seen.push(`b${n}`));
    channel.publish(1);
    expect(seen).toEqual(['a1', 'b1']);
    channel.publish(2);
    expect(seen).toEqual(['a1', 'b1', 'a2', 'b2']);
  });

  it('is hot: who comes later gets what comes later', () => {
    const channel = new Channel<number>();
    channel.publish(1);
    const seen: number[] = [];
    channel.stream$.subscribe((n) => seen.push(n));
    channel.publish(2);
    expect(seen).toEqual([2]);
  });

  it('counts its subscriptions', () => {
    const channel = new Channel<number>();
    expect(channel.observers).toBe(0);
    const first = channel.stream$.subscribe();
    const second = channel.stream$.pipe(map((n) => n)).subscribe();
    expect(channel.observers).toBe(2);
    first.unsubscribe();
    first.unsubscribe();
    expect(channel.observers).toBe(1);
    second.unsubscribe();
    expect(channel.observers).toBe(0);
  });

  it('gives nothing more after unsubscribing, also from inside a value', () => {
    const channel = new Channel<number>();
    const seen: number[] = [];
    const subscription = channel.stream$.subscribe((n) => {
      seen.push(n);
      subscription.unsubscribe();
    });
    channel.publish(1);
    channel.publish(2);
    expect(seen).toEqual([1]);
    expect(channel.observers).toBe(0);
  });

  it('completes for those who listen, and for those who come too late', () => {
    const channel = new Channel<number>();
    const completed: string[] = [];
    channel.stream$.subscribe({ complete: () => completed.push('early') });
    channel.complete();
    channel.stream$.subscribe({ complete: () => completed.push('late') });
    expect(completed).toEqual(['early', 'late']);
    expect(channel.observers).toBe(0);
    channel.publish(1);
  });

  it('is not disturbed by a subscriber that throws: neither publisher, nor others, nor that subscriber later', async () => {
    const reported: unknown[] = [];
    config.onUnhandledError = (error) => reported.push(error);
    const channel = new Channel<number>();
    const seen: string[] = [];
    const error = new Error('listener');
    channel.stream$.subscribe((n) => {
      seen.push(`bad${n}`);
      throw error;
    });
    channel.stream$.subscribe((n) => seen.push(`good${n}`));
    channel.publish(1);
    channel.publish(2);
    expect(seen).toEqual(['bad1', 'good1', 'bad2', 'good2']);
    expect(reported).toEqual([]);
    await laterTurn();
    expect(reported).toEqual([error, error]);
  });
});

describe('causeOf', () => {
  it('names the rule and the evidence, without what no reader needs', () => {
    const evidence = stamp({ kind: 'push', host: 'h2', session: 3, seq: 12, receivedAt: 55 });
    expect(causeOf('vm.here.paused', evidence)).toEqual({
      rule: 'vm.here.paused',
      source: { by: 'push', host: 'h2', session: 3, seq: 12, receivedAt: 55 },
    });
  });
});
