import { statusWord } from '../../../src/fetcher/fake/fake-vm.js';
import { guestInterfaceFields, initialRow, type VmNic, type VmStatus } from '../../../src/model/index.js';
import { FakeFetcher } from '../../../src/testing/index.js';
import { type AreaRunner, type ConformanceCase, type Facts, type Failures, factsOf, listOf, textOf } from './case.js';
import { checkValues, sameOutcome } from './expectations.js';
import { dynamicNames } from './vm-facts.js';
import { H1, polled, pushed, V1, vmWorld } from './vm-world.js';
import type { World } from './world.js';

/** The guest's own list of nics, in a poll or a push. */
export const runGuest: AreaRunner = async (c, failures) => {
  const given = factsOf(c.given['vm']);
  const { blacklist } = factsOf(c.given['config']);
  const hash = await hashOf(c.reported['netIfaces']);
  const known = given['guestAgentNicsHash'];
  const same = known !== undefined && known === c.reported['nicsHash'];
  const dynamic = {
    status: (given['status'] ?? 'Up') as VmStatus,
    ...(given['ip'] === undefined ? {} : { vmIp: given['ip'] as string | null }),
    guestAgentNicsHash: same ? hash : typeof known === 'number' ? known : 0,
  };
  const world = await vmWorld({
    vms: [{ static: { nics: nicsOf(c) }, dynamic }],
    ...(blacklist === undefined ? {} : { settings: { guest: { nicBlacklist: listOf(blacklist).map(textOf) } } }),
  });
  try {
    // What is stored of another list is replaced.
    if (!same && typeof known === 'number' && known !== 0) storeNic(world);
    world.forget();
    const status = textOf(c.reported['status'] ?? dynamic.status) as VmStatus;
    const fields = { netIfaces: c.reported['netIfaces'] };
    if (c.reported['mode'] === 'event') {
      pushed(world, { status: statusWord(status), ...fields }, world.clock.monotonic(), 1);
      await world.settle();
    } else {
      await polled(world, { status, guestAgent: false, fields });
    }
    check(world, c, hash, failures);
  } finally {
    await world.stop();
  }
};

/** Absent: the inventory does not know the VM's nics. */
function nicsOf(c: ConformanceCase): readonly VmNic[] | null {
  if (c.given['vmNics'] === undefined) return null;
  return listOf(c.given['vmNics']).map((entry, i) => {
    const nic = factsOf(entry);
    const profile = nic['profile'] === null ? null : textOf(nic['profile'] ?? 'ovirtmgmt');
    return { mac: textOf(nic['mac']), name: `nic${i + 1}`, profile, speedMbps: 1000 };
  });
}

/** Our number for the list that a case has a number of its own for. */
async function hashOf(netIfaces: unknown): Promise<number> {
  const agents = new FakeFetcher().host(H1, { vms: { [V1]: { guestAgent: false, fields: { netIfaces } } } });
  const endpoint = { id: H1, name: H1, address: H1, port: 54321, protocol: 'http' as const, tls: null };
  const report = await agents.getAllVmStats(endpoint, { signal: new AbortController().signal });
  return report.get(V1)?.dynamic.guestAgentNicsHash ?? 0;
}

function storeNic(world: World): void {
  const sets = world.part('sets');
  const vm = sets.vms.get(V1);
  if (vm === undefined) return;
  const before = { ...initialRow(guestInterfaceFields), vmId: V1, name: 'before0' };
  sets.putVm({ ...vm, guestInterfaces: [before] });
}

function check(world: World, c: ConformanceCase, hash: number, failures: Failures): void {
  const { expect } = c;
  const vm = world.part('sets').vms.get(V1);
  const wantedVm: Facts = factsOf(expect['vm']);
  const translated =
    wantedVm['guestAgentNicsHash'] !== undefined && wantedVm['guestAgentNicsHash'] === c.reported['nicsHash']
      ? { ...wantedVm, guestAgentNicsHash: hash }
      : wantedVm;
  checkValues('vm', translated, (key) => vm?.dynamic[dynamicNames[key] ?? 'vmIp'] ?? null, failures);
  const names = vm?.guestInterfaces.map((nic) => nic.name) ?? [];
  const written = new Set(world.spy.rows.map((write) => write.kind));
  const facts: Readonly<Record<string, unknown>> = { guestNics: names, vmIp: vm?.dynamic.vmIp ?? null };
  for (const [key, got] of Object.entries(facts)) {
    if (key in expect && !sameOutcome(expect[key], got)) {
      failures.push(`${key}: expected ${JSON.stringify(expect[key])}, got ${JSON.stringify(got)}`);
    }
  }
  if (!Array.isArray(expect['dbWrites'])) return;
  if (expect['dbWrites'].length === 0 && written.has('vm_guest_agent_interfaces')) failures.push('dbWrites: nic rows');
  for (const kind of expect['dbWrites'].map(textOf)) {
    if (!written.has(kind as 'vm_guest_agent_interfaces')) failures.push(`dbWrites: ${kind} is missing`);
  }
}
