import { beforeEach, describe, expect, it } from 'vitest';
import { type Lane, Slots, type Ticket } from '../../src/push-adapter/slots.js';

describe('slots', () => {
  let slots: Slots;
  let started: string[];

  beforeEach(() => {
    slots = new Slots(8);
    started = [];
  });

  const submit = (name: string, lane: Lane = 'statistics', extra = false): Ticket => {
    const ticket: Ticket = { lane, extra, state: 'waiting', start: () => void started.push(name) };
    slots.submit(ticket);
    return ticket;
  };
  const many = (n: number, lane: Lane, extra = false) =>
    Array.from({ length: n }, (_, i) => submit(`${lane}${i}`, lane, extra));

  it('starts at once while there is room, then first come, first served', () => {
    const running = many(10, 'statistics');
    expect(started).toHaveLength(8);
    expect(slots.inFlight).toBe(8);
    slots.leave(running[3]!);
    slots.leave(running[5]!);
    expect(started.slice(8)).toEqual(['statistics8', 'statistics9']);
  });

  it.each<[Lane, number]>([
    ['statistics', 8],
    ['contact', 4],
    ['background', 2],
  ])('%s may use %d of 8', (lane, most) => {
    many(20, lane);
    expect(started).toHaveLength(most);
  });

  it('leaves room for hosts in contact however many wait without', () => {
    many(50, 'contact');
    many(50, 'background');
    many(2, 'statistics');
    expect(started).toContain('statistics1');
  });

  it('lets lanes that wait take turns', () => {
    const running = many(8, 'statistics');
    many(9, 'statistics');
    many(9, 'contact');
    many(9, 'background');
    for (const ticket of running.slice(0, 3)) slots.leave(ticket);
    expect(new Set(started.slice(8))).toEqual(new Set(['statistics0', 'contact0', 'background0']));
  });

  it('starts extras only while more than half is free', () => {
    many(8, 'statistics', true);
    expect(slots.inFlight).toBe(3);
    many(4, 'statistics');
    expect(slots.inFlight).toBe(7);
  });

  it('starts extras only while more than half of their lane is free', () => {
    many(4, 'contact', true);
    expect(slots.inFlight).toBe(1);
  });

  it('treats an extra as an ordinary one once its host was heard, in the order of that', () => {
    const lead = many(7, 'statistics');
    const extras = [submit('x0', 'statistics', true), submit('x1', 'statistics', true)];
    submit('last');
    slots.leave(lead[0]!);
    expect(started.at(-1)).toBe('last');
    slots.promote(extras[1]!);
    slots.promote(extras[1]!);
    slots.promote(extras[0]!);
    slots.leave(lead[1]!);
    slots.leave(lead[2]!);
    expect(started.slice(-2)).toEqual(['x1', 'x0']);
    expect(started.filter((name) => name === 'x1')).toHaveLength(1);
  });

  it('forgets a ticket that left while it waited, and frees nothing for it', () => {
    const running = many(8, 'statistics');
    const waiting = submit('gone');
    submit('next');
    slots.leave(waiting);
    expect(slots.inFlight).toBe(8);
    slots.leave(running[0]!);
    expect(started.at(-1)).toBe('next');
    slots.leave(running[0]!);
    expect(slots.inFlight).toBe(8);
  });

  it('works with one slot', () => {
    slots = new Slots(1);
    const first = submit('a', 'contact');
    submit('x', 'contact', true);
    submit('b', 'background');
    expect(started).toEqual(['a']);
    slots.leave(first);
    expect(started).toEqual(['a', 'b']);
  });
});
