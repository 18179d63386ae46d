import { describe, expect, it } from 'vitest';
import { VirtualTime } from '../../src/kernel/index.js';
import { clientOf, RateLimit } from '../../src/server/rate-limit.js';

describe('one client', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::1', '0:0:0:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('%s is %s', (address, client) => {
    expect(clientOf(address)).toBe(client);
  });
});

it('remembers no more addresses than it may', async () => {
  const limit = new RateLimit({ perSecond: 1, burst: 1 }, new VirtualTime());
  expect([limit.take('10.0.0.1'), limit.take('10.0.0.1')]).toEqual([0, 1]);
  for (let i = 0; i < 10_000; i++) limit.take(`10.1.${i >> 8}.${i & 255}`);
  expect(limit.take('10.0.0.1')).toBe(0);
});

it('a wait is long enough', async () => {
  const time = new VirtualTime();
  const limit = new RateLimit({ perSecond: 1 / 3, burst: 1 }, time);
  limit.take('a');
  expect(limit.take('a')).toBe(3);
  await time.runFor(2999);
  expect(limit.take('a')).toBe(1);
  await time.runFor(1);
  expect(limit.take('a')).toBe(0);
});
