import { expect, it } from 'vitest';
import { hours, minutes, seconds } from '../../src/kernel/index.js';
import type { Happening } from '../../src/simulator/index.js';
import { makeFleet, picture } from './support.js';

const lively = { life: 'demo', faults: 'storm', hosts: 6, vms: 60 } as const;

it('same seed, same time: the same world, however often it was looked at and whether it ran by itself', async () => {
  const [a, b] = [makeFleet({ ...lively, seed: 7 }), makeFleet({ ...lively, seed: 7 })];
  const [toldA, toldB]: [Happening[], Happening[]] = [[], []];
  a.fleet.subscribe((happening) => toldA.push(happening));
  b.fleet.subscribe((happening) => toldB.push(happening));
  a.fleet.start();
  for (let i = 0; i < 240; i++) {
    await a.time.runFor(seconds(15));
    if (i % 3 === 0) picture(a.fleet);
  }
  await b.time.runFor(hours(1));
  expect(picture(a.fleet)).toBe(picture(b.fleet));
  expect(toldA).toEqual(toldB);
  expect(toldA.length).toBeGreaterThan(200);
});

it('another seed is another world, with the same names', () => {
  const [a, b] = [makeFleet({ seed: 1 }), makeFleet({ seed: 2 })];
  const ids = a.fleet.vms().map((vm) => vm.id);
  const names = ({ fleet }: typeof a): string[] =>
    fleet
      .vms()
      .map((vm) => vm.name)
      .sort();
  expect(names(a)).toEqual(names(b));
  expect(b.fleet.vms().some((vm) => ids.includes(vm.id))).toBe(false);
  expect(picture(a.fleet)).not.toBe(picture(b.fleet));
});

it('a script has the same outcome each time', async () => {
  const run = async (): Promise<string> => {
    const { time, fleet } = makeFleet({ seed: 3 });
    fleet.vm('web-01').reboot();
    await time.runFor(seconds(7));
    fleet.vm('web-02').migrate('kvm-02');
    await time.runFor(seconds(11));
    fleet.host('kvm-01').restartAgent();
    fleet.vm('db-01').crash();
    await time.runFor(minutes(2));
    return picture(fleet);
  };
  expect(await run()).toBe(await run());
});

it('looking changes nothing', async () => {
  const { time, fleet } = makeFleet(lively);
  await time.runFor(minutes(10));
  expect(picture(fleet)).toBe(picture(fleet));
});

it('steady: no state changes in a day, while statistics move', async () => {
  const { time, fleet } = makeFleet();
  const told: string[] = [];
  fleet.subscribe((happening) => told.push(happening.text));
  const statuses = (): string => JSON.stringify(fleet.hosts().map(({ name }) => fleet.host(name).vms()));
  const [before, answer] = [statuses(), picture(fleet)];
  await time.runFor(hours(24));
  expect(statuses()).toBe(before);
  expect(picture(fleet)).not.toBe(answer);
  expect(told).toEqual([]);
});

it('frozen: the answer of Host.getAllVmStats stays the same to the byte until something is done', async () => {
  const { time, fleet } = makeFleet({ statistics: 'frozen' });
  const text = (): string => JSON.stringify(fleet.host('kvm-01').ask('Host.getAllVmStats'));
  const before = text();
  await time.runFor(hours(5));
  expect(text()).toBe(before);
  fleet.vm(fleet.host('kvm-01').vms()[0] as string).pause('EIO');
  expect(text()).not.toBe(before);
  // The host's clock goes on, else it would be found to be wrong.
  const date = (): unknown => JSON.stringify(fleet.host('kvm-01').ask('Host.getStats'));
  const first = date();
  await time.runFor(minutes(1));
  expect(date()).not.toBe(first);
});
