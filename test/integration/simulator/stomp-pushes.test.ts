import { expect, it } from 'vitest';
import { createMonitor, type Monitor } from '../../../src/monitor/index.js';
import { type Simulation, startSimulation } from '../../../src/simulator/index.js';
import { eventually } from './support.js';

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
