import { expect, it } from 'vitest';
import { type GuestNic, guestNicsHash } from '../../src/fetcher/decode/vm-guest.js';
import { hashOf, SeededRandom } from '../../src/kernel/index.js';

/** The fingerprint as it was first written: databases hold it. */
function plainHash(nics: readonly GuestNic[]): number {
  const lines = nics.map(({ name, macAddr, ipv4Addresses, ipv6Addresses }) =>
    JSON.stringify([name, macAddr, [...(ipv4Addresses ?? [])].sort(), [...(ipv6Addresses ?? [])].sort()]),
  );
  return hashOf(lines.sort().join('\n')) | 0 || 1;
}

it('is that of sorted lists, whatever their length and order', () => {
  const random = new SeededRandom(3);
  const below = (n: number): number => Math.floor(random.next() * n);
  const addresses = (): string[] => Array.from({ length: below(24) }, () => `10.0.${below(30)}.${below(300)}`);
  for (let round = 0; round < 300; round++) {
    const nics = Array.from(
      { length: below(20) },
      (_, i): GuestNic => ({
        name: `eth${below(100)} ${i}`,
        macAddr: i % 3 === 0 ? null : `52:54:00:00:00:${i}`,
        ipv4Addresses: i % 4 === 0 ? null : addresses(),
        ipv6Addresses: addresses(),
      }),
    );
    const before = JSON.stringify(nics);
    expect(guestNicsHash(nics)).toBe(plainHash(nics));
    expect(guestNicsHash(nics.toReversed())).toBe(plainHash(nics));
    expect(JSON.stringify(nics)).toBe(before);
  }
});
