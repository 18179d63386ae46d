import { describe, expect, it } from 'vitest';
import { HourlyCount } from '../../src/push-adapter/hourly-count.js';
import { PushTrust } from '../../src/push-adapter/push-trust.js';

const cleanPolls = (trust: PushTrust, times: number, most = 4): void => {
  for (let i = 0; i < times; i++) trust.clean(most);
};

/** Clean polls that the next step needs. */
function neededBy(trust: PushTrust, most = 4): number {
  const { multiple } = trust;
  for (let i = 1; i <= 1000; i++) {
    trust.clean(most);
    if (trust.multiple !== multiple) return i;
  }
  return Number.POSITIVE_INFINITY;
}

describe('trust in pushes', () => {
  it('doubles the multiple with each four clean polls, up to what the settings allow', () => {
    const trust = new PushTrust();
    expect([neededBy(trust), trust.multiple]).toEqual([4, 2]);
    expect([neededBy(trust), trust.multiple]).toEqual([4, 4]);
    expect(neededBy(trust)).toBe(Number.POSITIVE_INFINITY);
  });

  it('three is the top where three is allowed, and one where no longer interval is', () => {
    const trust = new PushTrust();
    cleanPolls(trust, 100, 3);
    expect(trust.multiple).toBe(3);
    const never = new PushTrust();
    cleanPolls(never, 100, 1);
    expect(never.multiple).toBe(1);
  });

  it('follows settings that become narrower', () => {
    const trust = new PushTrust();
    cleanPolls(trust, 8);
    trust.clean(2);
    expect(trust.multiple).toBe(2);
  });

  it('one gap ends it, and each makes the way back twice as long, up to 64 polls a step', () => {
    const trust = new PushTrust();
    cleanPolls(trust, 8);
    const steps = [8, 16, 32, 64, 64].map(() => {
      trust.gap();
      expect(trust.multiple).toBe(1);
      return neededBy(trust);
    });
    expect(steps).toEqual([8, 16, 32, 64, 64]);
  });

  it('a long time at the top is forgiven', () => {
    const trust = new PushTrust();
    trust.gap();
    trust.gap();
    cleanPolls(trust, 16 + 16 + 16 + 8);
    trust.interrupted();
    expect(neededBy(trust)).toBe(4);
  });

  it('a lost connection costs the multiple and nothing else', () => {
    const trust = new PushTrust();
    cleanPolls(trust, 8);
    trust.interrupted();
    expect(trust.multiple).toBe(1);
    expect(neededBy(trust)).toBe(4);
  });
});

it('counts the last hour, to the minute', () => {
  const count = new HourlyCount();
  const minute = 60_000;
  count.add(0, 2);
  count.add(30 * minute, 3);
  expect(count.within(59 * minute)).toBe(5);
  expect(count.within(60 * minute)).toBe(3);
  count.add(90 * minute, 1);
  expect(count.within(90 * minute)).toBe(1);
  expect(count.within(1000 * minute)).toBe(0);
});
