import { expect, it } from 'vitest';
import { costOf, type ScenarioName } from '../../bench/support/scenarios.js';
import type { Counts, OpenStore } from '../../bench/support/stage.js';
import { RealTime } from '../../src/kernel/index.js';
import { MemoryStore } from '../../src/store/index.js';

/** The cost table of docs/performance.md, as far as it is exact: whoever makes one of these dearer is told here. */
const VMS = 50;
const time = new RealTime();
const inMemory: OpenStore = async (counter) =>
  new MemoryStore({ clock: time, scheduler: time, onStatement: counter.listener });

async function counted(name: ScenarioName): Promise<Counts> {
  const { flushes, statements, rows, records } = await costOf(name, { hosts: 3, vmsPerHost: VMS }, inMemory);
  return { flushes, statements, rows, records };
}

it('steady state: nothing is written in ten minutes', async () => {
  expect(await counted('steady')).toEqual({ flushes: 0, statements: 0, rows: {}, records: {} });
});

it('one VM changes state: one transaction with its row, its host’s, and what explains them', async () => {
  expect(await counted('change')).toEqual({
    flushes: 1,
    statements: 4,
    // The host counts one active VM less, and the guest of a paused VM says nothing of its nic.
    rows: { vm_dynamic: 1, vm_guest_agent_interfaces: 1, vds_dynamic: 1, log_record: 4 },
    records: { change: 2, VM_PAUSED: 1, VM_PAUSED_ENOSPC: 1 },
  });
});

it('migration: two rows of the VM, one when it leaves and one when it has arrived', async () => {
  expect(await counted('migration')).toEqual({
    flushes: 5,
    statements: 14,
    // Both hosts count their VMs and migrations anew, at the begin and at the end.
    rows: { vm_dynamic: 2, vm_guest_agent_interfaces: 2, vds_dynamic: 5, log_record: 7 },
    records: { change: 7 },
  });
});

it(`host lost with ${VMS} VMs: one row and two records per VM, all in one transaction`, async () => {
  expect(await counted('lost')).toEqual({
    flushes: 3,
    statements: 7,
    rows: { vm_dynamic: VMS, vds_dynamic: 2, vds_statistics: 1, intent: 1, log_record: 2 * VMS + 5 },
    records: {
      change: VMS + 2,
      VM_SET_TO_UNKNOWN_STATUS: VMS,
      VDS_HOST_NOT_RESPONDING: 1,
      VDS_FAILURE: 1,
      VDS_ALERT_FENCE_OPERATION_SKIPPED: 1,
    },
  });
});

const others: readonly [ScenarioName, Counts][] = [
  [
    'statistics',
    {
      flushes: 1,
      statements: 2,
      // A row per VM, its nics and disks in it, and the hosts' three nics each.
      rows: { vm_usage: 3 * VMS, vds_interface_statistics: 9 },
      records: {},
    },
  ],
  [
    'discovered',
    {
      flushes: 1,
      statements: 5,
      rows: { vm_static: 1, vm_dynamic: 1, vm_guest_agent_interfaces: 1, vds_dynamic: 1, log_record: 3 },
      records: { change: 3 },
    },
  ],
  [
    'gone',
    {
      flushes: 3,
      statements: 9,
      rows: {
        // Usage without its disk, whose size is kept.
        ...{ vm_dynamic: 1, vm_guest_agent_interfaces: 1, vm_usage: 1, disk_image_dynamic: 1 },
        ...{ vds_dynamic: 2, intent: 1, log_record: 5 },
      },
      records: { change: 3, VM_DOWN_ERROR: 1, processDownVm: 1 },
    },
  ],
  [
    'back',
    {
      flushes: 2,
      statements: 5,
      rows: { vm_dynamic: VMS, vds_dynamic: 1, vds_statistics: 1, intent: 1, log_record: 2 * VMS + 3 },
      records: { change: VMS + 1, VM_STATUS_RESTORED: VMS, VDS_DETECTED: 1, initVdsOnUp: 1 },
    },
  ],
  [
    'restart',
    {
      flushes: 1,
      statements: 2,
      rows: { vds_statistics: 3, vds_interface_statistics: 9 },
      records: {},
    },
  ],
];

it.each(others)('%s costs what it did', async (name, counts) => {
  expect(await counted(name)).toEqual(counts);
});
