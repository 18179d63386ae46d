import { describe, expect, it } from 'vitest';
import { faultKinds, parseFaults } from '../../src/simulator/index.js';
import { faultRates, lifeRates, troubleLimit } from '../../src/simulator/rates.js';

describe('parseFaults', () => {
  it.each(['none', 'demo', 'storm'] as const)('knows the preset %s', (name) => {
    expect(parseFaults(name)).toBe(name);
  });

  it('reads a list of rates per hour', () => {
    expect(parseFaults('hang=2, crash=10.5,power=0')).toEqual({ hang: 2, crash: 10.5, power: 0 });
  });

  it.each(['', 'hang', 'hang=', 'hang=x', 'hang=-1', 'hang=1=2', 'quake=3', 'hang=Infinity', 'hang=1,,crash=2'])(
    'refuses %j and names what it knows',
    (text) => {
      let caught: unknown;
      try {
        parseFaults(text);
      } catch (error) {
        caught = error;
      }
      expect(caught).toMatchObject({ code: 'BAD_ARGUMENT', hint: expect.stringContaining(faultKinds.join(', ')) });
    },
  );
});

it('presets grow with the fleet, own rates are taken as they are', () => {
  const [small, large] = [
    { hosts: 20, vms: 400 },
    { hosts: 200, vms: 10_000 },
  ];
  expect(lifeRates('demo', large).stop).toBe((lifeRates('demo', small).stop ?? 0) * 25);
  expect(faultRates('demo', large).hang).toBe((faultRates('demo', small).hang ?? 0) * 10);
  expect(faultRates({ hang: 3 }, large)).toEqual({ hang: 3 });
  expect(faultRates('none', large)).toEqual({});
  expect(lifeRates('none', large)).toEqual({});
});

it('a demo has at most two hosts in trouble, a storm a third of them, own rates know no limit', () => {
  const size = { hosts: 20, vms: 400 };
  expect(troubleLimit('demo', size)).toBe(2);
  expect(troubleLimit('demo', { hosts: 2, vms: 2 })).toBe(1);
  expect(troubleLimit('storm', size)).toBe(6);
  expect(troubleLimit({ hang: 1 }, size)).toBe(20);
});
