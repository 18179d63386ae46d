import { randomInt, type SeededRandom } from '../../../src/kernel/index.js';
import type { Simulation } from '../../../src/simulator/index.js';

/** VMs pause and go on all the time, so that whatever happens to the service finds it in the middle of writing. */
export function keepBusy(simulation: Simulation, random: SeededRandom): () => void {
  const names = simulation.fleet.vms().map((vm) => vm.name);
  const timer = setInterval(() => {
    for (let i = 0; i < 12; i++) {
      const vm = simulation.fleet.vm(names[randomInt(random, 0, names.length - 1)] as string);
      if (vm.status === 'Up') vm.pause('ENOSPC');
      else if (vm.status === 'Paused') vm.resume();
    }
  }, 100);
  return () => clearInterval(timer);
}
