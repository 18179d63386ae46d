import { expect, it } from 'vitest';
import { makeFleet } from './support.js';

it('deals the VMs out evenly, names them by what they do, and gives each its own id', () => {
  const { fleet } = makeFleet({ hosts: 20, vms: 400 });
  expect(fleet.hosts().map((host) => host.name)).toEqual(
    Array.from({ length: 20 }, (_, n) => `kvm-${String(n + 1).padStart(2, '0')}`),
  );
  for (const { name } of fleet.hosts()) expect(fleet.host(name).vms()).toHaveLength(20);
  const vms = fleet.vms();
  expect(new Set(vms.map((vm) => vm.name)).size).toBe(400);
  expect(new Set(vms.map((vm) => vm.id)).size).toBe(400);
  expect(new Set(vms.flatMap((vm) => vm.nics.map((nic) => nic.mac))).size).toBe(vms.flatMap((vm) => vm.nics).length);
  for (const { id } of vms) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  for (const name of ['web-03', 'db-12']) expect(vms.find((vm) => vm.name === name)).toBeDefined();
  expect(fleet.count()).toEqual({ hosts: 20, troubled: 0, vms: 400, running: 400, listed: 400 });
});

it('splits the hosts over clusters by their shares', () => {
  const clusters = [
    { name: 'a', share: 1 },
    { name: 'b', share: 1 },
    { name: 'c', share: 2 },
  ];
  const { fleet } = makeFleet({ hosts: 8, vms: 8, clusters });
  expect(fleet.hosts().map((host) => host.cluster)).toEqual(['a', 'a', 'b', 'b', 'c', 'c', 'c', 'c']);
  expect(makeFleet({ hosts: 1, vms: 1 }).fleet.hosts()[0]?.cluster).toBe('prod');
});

it.each([
  [{ hosts: -1 }, 'hosts is -1'],
  [{ vms: 1.5 }, 'vms is 1.5'],
  [{ hosts: 0 }, 'VMs need a host'],
  [{ clusters: [] }, 'needs a cluster'],
])('refuses %o', (options, message) => {
  expect(() => makeFleet(options)).toThrow(message);
});

it('an empty fleet is a fleet', () => {
  expect(makeFleet({ hosts: 0, vms: 0 }).fleet.count().hosts).toBe(0);
  expect(makeFleet({ hosts: 2, vms: 0 }).fleet.host('kvm-02').ask('Host.getAllVmStats')).toEqual({ result: '[]' });
});

it('finds hosts and VMs by name and id, and says what it has not', () => {
  const { fleet } = makeFleet();
  const [vm] = fleet.vms();
  expect(fleet.vm(vm?.id ?? '').name).toBe(vm?.name);
  expect(fleet.host(fleet.hosts()[1]?.id ?? '').name).toBe('kvm-02');
  expect(() => fleet.vm('no-such')).toThrow('no VM "no-such"');
  expect(() => fleet.host('kvm-99')).toThrow('no host "kvm-99"');
});
