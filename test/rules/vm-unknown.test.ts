import { describe, expect, it } from 'vitest';
import { decideVm } from '../../src/rules/index.js';
import { host, polled } from '../support/entities.js';
import { expectRow, NOW, type Row, vmCase } from '../support/vm-verdict.js';

const unknown = { vm: undefined } as const;
const observer = { mode: 'observer' } as const;
const withoutInventory = { managedInventory: false } as const;

/** monitoring-rules.md §4.10 with D26: reported, but nobody told us of it. */
const rows: Row[] = [
  {
    title: 'a manager’s leftover, Down',
    ...unknown,
    report: polled('v9', 'Down'),
    rule: 'vm.unknown.leftover',
    to: 'none',
    intents: ['destroy h1'],
  },
  {
    title: 'a manager’s leftover, Paused by EIO',
    ...unknown,
    report: polled('v9', 'Paused', { pauseStatus: 'EIO' }),
    rule: 'vm.unknown.leftover',
    to: 'none',
    intents: ['destroy h1'],
  },
  {
    title: 'foreign to a manager, and alive: to be imported',
    ...unknown,
    report: polled('v9', 'Up'),
    rule: 'vm.unknown.import',
    to: 'Up@h1',
    intents: ['importVm h1'],
  },
  {
    title: 'foreign to a manager, Paused by another error: to be imported',
    ...unknown,
    report: polled('v9', 'Paused', { pauseStatus: 'ENOSPC' }),
    rule: 'vm.unknown.import',
    to: 'Paused@h1',
    intents: ['importVm h1'],
  },
  ...[
    { title: 'beside an engine', more: observer },
    { title: 'by a manager without an inventory of VMs', more: withoutInventory },
  ].flatMap(({ title, more }): Row[] => [
    {
      title: `D26: Down, ${title}: never a reason to destroy anything`,
      ...unknown,
      report: polled('v9', 'Down', { exitStatus: 'Error' }),
      more,
      rule: 'vm.unknown.down',
      to: 'none',
    },
    {
      title: `D26: Paused by EIO, ${title}: taken in, not destroyed`,
      ...unknown,
      report: polled('v9', 'Paused', { pauseStatus: 'EIO' }),
      more,
      rule: 'vm.unknown.adopt',
      to: 'Paused@h1',
    },
    {
      title: `D26: the source of a post-copy migration, ${title}: it lives elsewhere`,
      ...unknown,
      report: polled('v9', 'Paused', { pauseStatus: 'POSTCOPY' }),
      more,
      rule: 'vm.unknown.leaving',
      to: 'none',
    },
    {
      title: `D26: alive, ${title}: taken in`,
      ...unknown,
      report: polled('v9', 'MigratingFrom'),
      more,
      rule: 'vm.unknown.adopt',
      to: 'MigratingFrom@h1',
    },
  ]),
];

describe('not known (§4.10, D26)', () => {
  it.each(rows.map((row): [string, Row] => [row.title, row]))('%s', (_, row) => {
    expectRow(row);
  });

  const taken = (more: Parameters<typeof vmCase>[2], vmName: string | null = 'web') =>
    decideVm(vmCase(undefined, polled('v9', 'Up', { vmName, guestOs: 'RHEL' }), more)).draft;

  it('is taken in under its own name, in the cluster of its host', () => {
    const {
      static: facts,
      dynamic,
      takeStatistics,
    } = taken({ ...observer, host: host('h1', 'Up', { static: { clusterId: 'c7' } }) });
    expect(facts).toMatchObject({ id: 'v9', name: 'web', clusterId: 'c7', origin: 'OVIRT', adopted: true, ha: null });
    expect(dynamic).toMatchObject({ id: 'v9', status: 'Up', runOnVds: 'h1', guestOs: 'RHEL', statusSince: NOW });
    expect(takeStatistics).toBe(true);
  });

  it('is named by its id where the agent gives no name', () => {
    expect(taken(observer, null).static?.name).toBe('v9');
  });

  it('bears oVirt’s name for foreign VMs where a manager is to import it', () => {
    const draft = taken({});
    expect(draft.static).toMatchObject({ name: 'external-web', origin: 'EXTERNAL', adopted: true });
    expect(draft.intents[0]).toMatchObject({ vmId: 'v9', hostId: 'h1', evidence: { name: 'web' } });
  });
});
