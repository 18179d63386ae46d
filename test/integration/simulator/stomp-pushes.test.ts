import { expect, it } from 'vitest';
import { SeededRandom } from '../../../src/kernel/index.js';
import { createMonitor, type Monitor } from '../../../src/monitor/index.js';
import { type Simulation, startSimulation } from '../../../src/simulator/index.js';
import { eventually } from './support.js';

const CUTS = process.env['VURTI_SOAK'] === '1' ? 1000 : 6;

/** A quiet fleet and a monitor that asks so seldom that what comes at once was pushed. */
async function watched(intervalSeconds: number, work: (s: Simulation, m: Monitor) => Promise<void>): Promise<void> {
  await using simulation = await startSimulation({
    ...{ hosts: 2, vms: 12, protocol: 'vdsm', steady: true, downDomains: 'keep', sampleMs: 1000 },
  });
  await using monitor = await createMonitor({
    hosts: simulation.endpoints(),
    settings: {
      poll: { intervalSeconds, deadlineSeconds: intervalSeconds * 0.9, maxIntervalSeconds: intervalSeconds },
    },
  });
  await monitor.start();
  await monitor.until('synced', { timeoutSeconds: 60 });
  await work(simulation, monitor);
}

const within = async (condition: () => boolean, tries = 5): Promise<boolean> => {
  for (let i = 0; i < tries; i++) if (await eventually(condition)) return true;
  return condition();
};

it('what the agent tells is known at once; what it keeps to itself is found by a poll, and counted', async () => {
  await watched(8, async ({ fleet }, monitor) => {
    const names = fleet.host('kvm-01').vms();
    const [a, b, c, d] = names as [string, string, string, string];
    const statusOf = (name: string): string | undefined => monitor.vms.get(fleet.vm(name).id)?.status;
    expect(await within(() => monitor.status().pushes.healthy === 2, 15)).toBe(true);
    fleet.vm(a).pause();
    fleet.vm(b).pause('ENOSPC');
    fleet.vm(c).crash();
    expect(await eventually(() => statusOf(a) === 'Paused' && statusOf(b) === 'Paused' && statusOf(c) === 'Down')).toBe(
      true,
    );
    fleet.vm(a).resume();
    fleet.vm(b).resume();
    expect(await eventually(() => statusOf(a) === 'Up' && statusOf(b) === 'Up')).toBe(true);
    expect(monitor.status().pushes.gapsLastHour).toBe(0);
    // Nobody tells of a pause past the agent, so it is no gap; of an end the agent does tell.
    fleet.vm(d).pauseOutside();
    fleet.host('kvm-01').mute = true;
    fleet.vm(a).crash();
    monitor.poke('kvm-01');
    expect(await within(() => statusOf(d) === 'Paused' && statusOf(a) === 'Down')).toBe(true);
    // It is said when the push has had its time to come after all, at the host's next turn.
    expect(await within(() => monitor.status().pushes.gapsLastHour === 1, 15)).toBe(true);
  });
});

it('cut at any byte while it tells: after the next poll all is as the agent has it', async () => {
  const random = new SeededRandom(7);
  await watched(2, async (simulation, monitor) => {
    const { fleet } = simulation;
    const names = fleet.vms().map(({ name }) => name);
    const asItIs = (): boolean =>
      names.every((name) => (fleet.vm(name).status ?? 'Down') === monitor.vms.get(fleet.vm(name).id)?.status);
    for (let cut = 0; cut < CUTS; cut++) {
      const before = simulation.wire('kvm-01')?.accepted ?? 0;
      fleet.host('kvm-01').disconnect(1 + Math.floor(random.next() * 3000));
      for (let i = 0; i < 12; i++) {
        const vm = fleet.vm(names[Math.floor(random.next() * names.length)] ?? '');
        if (vm.status === 'Up') vm.pause();
        else vm.resume();
        if (i % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      expect(await within(() => (simulation.wire('kvm-01')?.accepted ?? 0) > before, 30)).toBe(true);
      expect(await within(asItIs, 10)).toBe(true);
    }
    expect(simulation.wire('kvm-01')).toMatchObject({ dead: false, notifications: 0, errors: 0, badFrames: 0 });
  });
});
