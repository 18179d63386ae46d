import { describe, expect, it } from 'vitest';
import { decideVm } from '../../src/rules/index.js';
import { polled, pushed, stamp, vm } from '../support/entities.js';
import { expectRow, type Row, vmCase } from '../support/vm-verdict.js';

const onH2 = (...[status, more]: [Parameters<typeof vm>[1], Parameters<typeof vm>[2]?]) =>
  vm('v1', status, { runOnVds: 'h2', ...more });
const missedOnce = { reason: 'missing', misses: 1, since: 0, lastSeq: 1 } as const;
const comingHere = onH2('MigratingFrom', { migratingToVds: 'h1' });

/** monitoring-rules.md §4.7: h1 reports, not Down, what is stored on h2 or nowhere. */
const rows: Row[] = [
  {
    title: 'MigratingTo, and stored nowhere: it is coming here',
    vm: vm('v1', 'Down'),
    report: polled('v1', 'MigratingTo'),
    rule: 'vm.elsewhere.adopt',
    to: 'MigratingTo@h1',
  },
  {
    title: 'MigratingTo, and stored on another host',
    vm: comingHere,
    report: polled('v1', 'MigratingTo'),
    rule: 'vm.elsewhere.migration-under-way',
    to: 'same',
  },
  {
    title: 'MigratingFrom: the source after the VM has arrived',
    vm: onH2('Up'),
    report: polled('v1', 'MigratingFrom'),
    rule: 'vm.elsewhere.migration-under-way',
    to: 'same',
  },
  {
    title: 'Paused for post-copy: the source after the VM has arrived',
    vm: onH2('Up'),
    report: polled('v1', 'Paused', { pauseStatus: 'POSTCOPY' }),
    rule: 'vm.elsewhere.migration-under-way',
    to: 'same',
  },
  {
    title: 'Paused while it runs on another host: a leftover',
    vm: onH2('Up'),
    report: polled('v1', 'Paused'),
    rule: 'vm.elsewhere.second-copy',
    to: 'same',
    intents: ['destroy h1'],
  },
  {
    title: 'Paused while it migrates to a third host: a leftover',
    vm: onH2('MigratingFrom', { migratingToVds: 'h3' }),
    report: polled('v1', 'Paused'),
    rule: 'vm.elsewhere.second-copy',
    to: 'same',
    intents: ['destroy h1'],
  },
  {
    title: 'Paused, and Unknown where it was: it may have moved',
    vm: onH2('Unknown'),
    report: polled('v1', 'Paused'),
    rule: 'vm.elsewhere.adopt',
    to: 'Paused@h1',
  },
  {
    title: 'Paused, at the end of its migration to here',
    vm: comingHere,
    report: polled('v1', 'Paused'),
    rule: 'vm.elsewhere.adopt',
    to: 'Paused@h1',
    signals: ['succeededToRun'],
  },
  {
    title: 'Paused, and stored nowhere',
    vm: vm('v1', 'Down'),
    report: polled('v1', 'Paused'),
    rule: 'vm.elsewhere.adopt',
    to: 'Paused@h1',
  },
  {
    title: 'WaitForLaunch, and Unknown where it was: its old host decides',
    vm: onH2('Unknown'),
    report: polled('v1', 'WaitForLaunch'),
    rule: 'vm.elsewhere.migration-under-way',
    to: 'same',
  },
  {
    title: 'WaitForLaunch, and stored nowhere: a start',
    vm: vm('v1', 'Down'),
    report: polled('v1', 'WaitForLaunch'),
    rule: 'vm.elsewhere.adopt',
    to: 'WaitForLaunch@h1',
  },
  {
    title: 'Up at the end of its migration to here',
    vm: comingHere,
    report: polled('v1', 'Up'),
    rule: 'vm.elsewhere.adopt',
    to: 'Up@h1',
    signals: ['succeededToRun'],
  },
  {
    title: 'PoweringUp at the end of its migration to here',
    vm: comingHere,
    report: polled('v1', 'PoweringUp'),
    rule: 'vm.elsewhere.adopt',
    to: 'PoweringUp@h1→h1',
    signals: ['succeededToRun'],
  },
  {
    title: 'Up, and stored on another host: the last reporter has it',
    vm: onH2('Up'),
    report: polled('v1', 'Up'),
    rule: 'vm.elsewhere.adopt',
    to: 'Up@h1',
    signals: ['succeededToRun'],
  },
  {
    title: 'PoweringUp, and stored on another host',
    vm: onH2('Up'),
    report: polled('v1', 'PoweringUp'),
    rule: 'vm.elsewhere.adopt',
    to: 'PoweringUp@h1',
  },
  {
    title: 'Up, in the first report of this host (D19)',
    vm: vm('v1', 'Down'),
    report: polled('v1', 'Up'),
    more: { hostInitialized: false },
    rule: 'vm.elsewhere.adopt',
    to: 'Up@h1',
    signals: ['succeededToRun', 'confirmRunning'],
  },
  {
    title: 'Up, by a push',
    vm: onH2('Up'),
    report: pushed('v1', 'Up'),
    rule: 'vm.elsewhere.adopt',
    to: 'Up@h1',
    signals: ['succeededToRun'],
  },
  {
    title: 'D11: alive on the host that lost it to another one',
    vm: onH2('Up'),
    report: polled('v1', 'Up'),
    more: { formerOwner: { host: 'h1', alerted: false, since: 500 } },
    rule: 'vm.elsewhere.on-two-hosts',
    to: 'same',
    events: ['VM_RUNNING_ON_TWO_HOSTS OtherHost=h2'],
  },
  {
    title: 'D11: … in a push: not yet',
    vm: onH2('Up'),
    report: polled('v1', 'Up'),
    more: { formerOwner: { host: 'h1', alerted: false, since: 500 }, stamp: stamp({ kind: 'push', complete: false }) },
    rule: 'vm.elsewhere.left-just-now',
    to: 'same',
  },
  {
    title: 'D11: … in half a report: not yet',
    vm: onH2('Up'),
    report: polled('v1', 'Up'),
    more: { formerOwner: { host: 'h1', alerted: false, since: 500 }, stamp: stamp({ complete: false }) },
    rule: 'vm.elsewhere.left-just-now',
    to: 'same',
  },
  {
    title: 'D11: … in a report that was asked for before it went away: not yet',
    vm: onH2('Up'),
    report: polled('v1', 'Up'),
    more: { formerOwner: { host: 'h1', alerted: false, since: 900 } },
    rule: 'vm.elsewhere.left-just-now',
    to: 'same',
  },
  {
    title: 'D11: … and that was said',
    vm: onH2('Up'),
    report: polled('v1', 'Up'),
    more: { formerOwner: { host: 'h1', alerted: true, since: 500 } },
    rule: 'vm.elsewhere.on-two-hosts',
    to: 'same',
  },
  {
    title: 'D11: the other one has just stopped reporting it: this one has it again, and no two hosts run it',
    vm: onH2('Up'),
    report: polled('v1', 'Up'),
    more: { formerOwner: { host: 'h1', alerted: false, since: 500 }, unsettled: missedOnce },
    rule: 'vm.elsewhere.adopt',
    to: 'Up@h1',
    signals: ['succeededToRun'],
  },
  {
    title: 'D11: the other one says that it has migrated away: this one has it again',
    vm: onH2('Up'),
    report: polled('v1', 'Up'),
    more: { formerOwner: { host: 'h1', alerted: false, since: 500 }, ownerLeftIt: true },
    rule: 'vm.elsewhere.adopt',
    to: 'Up@h1',
    signals: ['succeededToRun'],
  },
  {
    title: 'D11: … but not by what was asked for before it was taken from this one',
    vm: onH2('Up'),
    report: polled('v1', 'Up'),
    more: { formerOwner: { host: 'h1', alerted: false, since: 900 }, ownerLeftIt: true },
    rule: 'vm.elsewhere.left-just-now',
    to: 'same',
  },
  {
    title: 'D11: … but not by what was asked for before',
    vm: onH2('Up'),
    report: polled('v1', 'Up'),
    more: { formerOwner: { host: 'h1', alerted: false, since: 900 }, unsettled: missedOnce },
    rule: 'vm.elsewhere.left-just-now',
    to: 'same',
  },
  {
    title: 'D11: the other one has given it up: this one has it again',
    vm: vm('v1', 'Down'),
    report: polled('v1', 'Up'),
    more: { formerOwner: { host: 'h1', alerted: true, since: 500 } },
    rule: 'vm.elsewhere.adopt',
    to: 'Up@h1',
    signals: ['succeededToRun'],
  },
  {
    title: 'D11: a third host is no earlier owner',
    vm: onH2('Up'),
    report: polled('v1', 'Up'),
    more: { formerOwner: { host: 'h3', alerted: true, since: 500 } },
    rule: 'vm.elsewhere.adopt',
    to: 'Up@h1',
    signals: ['succeededToRun'],
  },
];

describe('reported elsewhere (§4.7)', () => {
  it.each(rows.map((row): [string, Row] => [row.title, row]))('%s', (_, row) => {
    expectRow(row);
  });

  it('remembers who had the VM, unless it came by a migration or from nowhere', () => {
    const ownerAfter = (stored: ReturnType<typeof vm>, more = {}) =>
      decideVm(vmCase(stored, polled('v1', 'Up'), more)).draft.formerOwner;
    expect(ownerAfter(onH2('Up'))).toEqual({ host: 'h2', alerted: false, gaveUp: false });
    expect(ownerAfter(onH2('Up'), { unsettled: missedOnce })).toEqual({ host: 'h2', alerted: false, gaveUp: true });
    expect(ownerAfter(comingHere)).toBeNull();
    expect(ownerAfter(vm('v1', 'Down'))).toBeNull();
  });

  it('remembers that it has alerted', () => {
    const more = { formerOwner: { host: 'h1', alerted: false, since: 500 } };
    const { draft } = decideVm(vmCase(onH2('Up'), polled('v1', 'Up'), more));
    expect(draft.formerOwner).toEqual({ host: 'h1', alerted: true });
  });
});
