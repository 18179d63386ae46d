import { describe, expect, it } from 'vitest';
import type { DomainFacts, Origin, VmStatic } from '../../src/model/index.js';
import { decideVm } from '../../src/rules/index.js';
import { describedTransitions, describedVm } from '../../src/rules/vm/external.js';
import { hostedEngineTransitions } from '../../src/rules/vm/unmanaged.js';
import { polled, vm } from '../support/entities.js';
import { expectRow, type Row, vmCase } from '../support/vm-verdict.js';

const facts: DomainFacts = { name: 'web', vcpus: 4, memoryMb: 7052, devices: [], guestDisks: new Map() };
const found = (more: Partial<VmStatic> = {}) =>
  vm('v9', 'Up', { static: { name: 'external-v9', origin: 'EXTERNAL', adopted: true, ...more } });
const described = (one = found(), more: Partial<DomainFacts> = {}, mode: 'observer' | 'manager' = 'manager') =>
  describedVm({ mode, vm: one, host: 'h1', facts: { ...facts, ...more }, hostedEngineVmName: 'HostedEngine' });

describe('the description of a VM that was made outside (§4.10)', () => {
  it('says its CPUs, its memory and its name', () => {
    expect(described()).toMatchObject({
      ...{ rule: 'vm.described.external', intents: [] },
      static: { name: 'external-web', origin: 'EXTERNAL', vcpus: 4, memoryMb: 7052, adopted: true },
    });
  });

  it('keeps what it does not say', () => {
    const known = found({ vcpus: 2, memoryMb: 512 });
    expect(described(known, { name: null, vcpus: null, memoryMb: null }).static).toEqual(known.static);
  });

  it.each([
    ['the inventory has taken in', found({ adopted: false })],
    ['the manager made', vm('v1')],
    ['is managed already', found({ origin: 'MANAGED_HOSTED_ENGINE' })],
  ])('says nothing of a VM that %s', (_, one) => {
    const verdict = described(one);
    expect([verdict.rule, verdict.intents]).toEqual(['vm.described.known', []]);
    expect(verdict.static).toBe(one.static);
  });

  it('says nothing beside an engine', () => {
    expect(described(found(), {}, 'observer').rule).toBe('vm.described.known');
  });

  it('finds a hosted engine’s VM by its name, once', () => {
    const verdict = described(found(), { name: 'HostedEngine' });
    expect(verdict).toMatchObject({
      ...{
        rule: 'vm.described.hosted-engine-found',
        static: { name: 'HostedEngine', origin: 'HOSTED_ENGINE', vcpus: 4 },
      },
      intents: [{ intent: 'importHostedEngine', vmId: 'v9', hostId: 'h1', evidence: { name: 'HostedEngine' } }],
    });
    const again = described({ ...found(), static: verdict.static }, { name: 'HostedEngine' });
    expect([again.rule, again.intents]).toEqual(['vm.described.hosted-engine', []]);
    expect(again.static).toEqual(verdict.static);
  });

  it('meets exactly one row', () => {
    for (const mode of ['observer', 'manager'] as const)
      for (const adopted of [true, false])
        for (const origin of ['EXTERNAL', 'HOSTED_ENGINE', 'OVIRT', 'MANAGED_HOSTED_ENGINE'] as Origin[])
          for (const name of [null, 'web', 'HostedEngine'])
            for (const hostedEngineVmName of [null, 'HostedEngine']) {
              const c = {
                mode,
                vm: found({ adopted, origin }),
                host: 'h1',
                facts: { ...facts, name },
                hostedEngineVmName,
              };
              expect(describedTransitions.filter((row) => row.when(c))).toHaveLength(1);
            }
  });
});

const rows: Row[] = [
  {
    title: 'unknown, by the name of the hosted engine’s VM',
    vm: undefined,
    report: polled('v9', 'Up', { vmName: 'HostedEngine' }),
    rule: 'vm.unknown.hosted-engine',
    to: 'Up@h1',
    intents: ['importHostedEngine h1'],
  },
  {
    title: 'unknown by that name, Down: a leftover as any other',
    vm: undefined,
    report: polled('v9', 'Down', { vmName: 'HostedEngine' }),
    rule: 'vm.unknown.leftover',
    to: 'none',
    intents: ['destroy h1'],
  },
  {
    title: 'unknown by that name beside an engine: under its own name',
    vm: undefined,
    report: polled('v9', 'Up', { vmName: 'HostedEngine' }),
    more: { mode: 'observer' },
    rule: 'vm.unknown.adopt',
    to: 'Up@h1',
  },
  {
    title: 'stored as a hosted engine’s, runs on another host: it runs here now, and is to be imported',
    vm: vm('v9', 'Up', { runOnVds: 'h2', static: { origin: 'HOSTED_ENGINE' } }),
    report: polled('v9', 'Up'),
    rule: 'vm.hosted-engine.import',
    to: 'Up@h1',
    intents: ['importHostedEngine h1'],
  },
  ...(['Down', 'Paused'] as const).map(
    (status): Row => ({
      title: `stored as a hosted engine’s, ${status}: destroyed here, nothing stored`,
      vm: vm('v9', 'Up', { static: { origin: 'HOSTED_ENGINE' } }),
      report: polled('v9', status, { pauseStatus: 'EIO' }),
      rule: 'vm.hosted-engine.leftover',
      to: 'same',
      intents: ['destroy h1'],
    }),
  ),
  {
    title: 'the same beside an engine: a VM as any other',
    vm: vm('v9', 'Up', { static: { origin: 'HOSTED_ENGINE' } }),
    report: polled('v9', 'Up'),
    more: { mode: 'observer' },
    rule: 'vm.here.same-status',
    to: 'same',
  },
  {
    title: 'managed already: a VM as any other',
    vm: vm('v9', 'Up', { static: { origin: 'MANAGED_HOSTED_ENGINE' } }),
    report: polled('v9', 'Up'),
    rule: 'vm.here.same-status',
    to: 'same',
  },
];

describe('a hosted engine’s VM', () => {
  it.each(rows)('$title', expectRow);

  it('meets exactly one row', () => {
    const one = vm('v9', 'Up', { static: { origin: 'HOSTED_ENGINE' } });
    for (const status of ['Up', 'Down', 'Paused', 'MigratingTo'] as const)
      for (const pauseStatus of ['NONE', 'EIO'] as const) {
        const c = vmCase(one, polled('v9', status, { pauseStatus }));
        expect(hostedEngineTransitions.filter((row) => row.when(c as never))).toHaveLength(1);
      }
  });

  it('of which nobody told is described by its host', () => {
    const { draft } = decideVm(vmCase(undefined, polled('v9', 'Up')));
    expect(draft.requests).toEqual([
      { host: 'h1', method: 'Host.dumpxmls', vmIds: ['v9'], reason: 'vm.unknown.import' },
    ]);
    const beside = decideVm(vmCase(undefined, polled('v9', 'Up'), { mode: 'observer' }));
    expect(beside.draft.requests).toEqual([]);
  });
});
