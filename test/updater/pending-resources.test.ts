import { describe, expect, it } from 'vitest';
import { PendingResources } from '../../src/updater/index.js';
import { host, polled, vm } from '../support/entities.js';
import { world } from '../support/world.js';

type Op = ['add', string, number, number] | ['addOn', string, string] | ['clearVm', string] | ['clearHost', string];

function book() {
  const told: string[] = [];
  const pending = new PendingResources((hostId, sums) => told.push(`${hostId} ${sums.memoryMb}/${sums.vcpus}`));
  const run = (ops: readonly Op[]): void => {
    for (const op of ops) {
      if (op[0] === 'add') pending.add('H1', op[1], { memoryMb: op[2], vcpus: op[3] });
      else if (op[0] === 'addOn') pending.add(op[2], op[1], { memoryMb: 1, vcpus: 1 });
      else if (op[0] === 'clearVm') pending.clearVm(op[1]);
      else pending.clearHost(op[1]);
    }
  };
  return { pending, told, run };
}

describe('what is pending for a host (§2.7)', () => {
  it.each<[string, Op[], number, number]>([
    [
      'two VMs',
      [
        ['add', 'V1', 768, 1],
        ['add', 'V2', 1024, 10],
      ],
      1792,
      11,
    ],
    [
      'a VM is cleared',
      [
        ['add', 'V2', 1024, 10],
        ['clearVm', 'V2'],
      ],
      0,
      0,
    ],
    [
      'the same VM again',
      [
        ['add', 'V1', 768, 1],
        ['add', 'V1', 512, 2],
      ],
      512,
      2,
    ],
    [
      'the host is cleared',
      [
        ['add', 'V1', 768, 1],
        ['add', 'V2', 1024, 10],
        ['clearHost', 'H1'],
      ],
      0,
      0,
    ],
    [
      'another host is',
      [
        ['add', 'V1', 768, 1],
        ['addOn', 'V1', 'H2'],
        ['clearHost', 'H2'],
      ],
      768,
      1,
    ],
    [
      'a VM on two hosts',
      [
        ['add', 'V1', 768, 1],
        ['addOn', 'V1', 'H2'],
        ['clearVm', 'V1'],
      ],
      0,
      0,
    ],
    [
      'nothing to clear',
      [
        ['clearVm', 'V9'],
        ['clearHost', 'H1'],
      ],
      0,
      0,
    ],
  ])('%s', (_, ops, memoryMb, vcpus) => {
    const { pending, run } = book();
    run(ops);
    expect(pending.sums('H1')).toEqual({ memoryMb, vcpus });
  });

  it('is told at each change, and only then', () => {
    const { told, run } = book();
    run([
      ['add', 'V1', 768, 1],
      ['clearVm', 'V9'],
      ['clearHost', 'H9'],
      ['clearVm', 'V1'],
      ['clearVm', 'V1'],
    ]);
    expect(told).toEqual(['H1 768/1', 'H1 0/0']);
  });
});

describe('in the service', () => {
  function service() {
    const w = world({ hosts: [host()], vms: [vm('v1', 'WaitForLaunch'), vm('v2')] });
    const pending = new PendingResources((id, sums) => w.vdsUpdater.command(id, { is: 'pending', ...sums }));
    pending.follow(w.streams);
    return { w, pending };
  }

  it('stands in the host’s row until the VM powers up', () => {
    const { w, pending } = service();
    pending.add('h1', 'v1', { memoryMb: 512, vcpus: 2 });
    expect(w.host()?.dynamic).toMatchObject({ pendingVmemSize: 512, pendingVcpusCount: 2 });
    expect(w.rows('vds_dynamic')).toHaveLength(1);
    w.poll('h1', [polled('v1', 'PoweringUp'), polled('v2')]);
    expect(w.host()?.dynamic).toMatchObject({ pendingVmemSize: 0, pendingVcpusCount: 0 });
  });

  it('… or is down, or is no more', () => {
    const { w, pending } = service();
    pending.add('h1', 'v1', { memoryMb: 512, vcpus: 2 });
    w.poll('h1', [polled('v1', 'Down', { exitStatus: 'Error' }), polled('v2')]);
    expect(w.host()?.dynamic.pendingVcpusCount).toBe(0);
    pending.add('h1', 'v2', { memoryMb: 1, vcpus: 1 });
    w.inventoryUpdater.removeVm(vm('v2'));
    expect(w.host()?.dynamic.pendingVcpusCount).toBe(0);
  });
});
