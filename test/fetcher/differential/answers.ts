import { seconds, VirtualTime } from '../../../src/kernel/index.js';
import { Fleet } from '../../../src/simulator/index.js';
import { fixture, type Json, vmLists } from '../support/fixtures.js';

const ID = '6f0c9d5e-0000-4000-8000-000000000000';

/** An answer around this list, as VDSM puts its members. */
export const answer = (list: string, id = ID): string => `{"jsonrpc":"2.0","id":"${id}","result":${list}}`;

/** Bodies of one simulated host, so many polls long. */
export async function simulated(
  polls: number,
  vms = 5,
  everyMs = seconds(15),
  method = 'Host.getAllVmStats',
): Promise<string[]> {
  const time = new VirtualTime();
  const fleet = new Fleet({ clock: time, scheduler: time, hosts: 1, vms });
  const [host] = fleet.hosts();
  const bodies: string[] = [];
  for (let poll = 0; poll < polls; poll++) {
    await time.runFor(everyMs);
    const said = fleet.host(host?.id ?? '').ask(method, {});
    if ('error' in said) throw new Error(said.error.message);
    bodies.push(answer(said.result));
  }
  return bodies;
}

/** VMs of real and composed answers, each with an id of its own. */
export function corpus(): Json[] {
  const vms = vmLists.flatMap((name) => fixture<Json[]>(name));
  return vms.map((vm, i) => ({ ...vm, vmId: `11111111-2222-4333-8444-${String(i).padStart(12, '0')}` }));
}
