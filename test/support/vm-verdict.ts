import { expect } from 'vitest';
import type { Vm, VmReport } from '../../src/model/index.js';
import { decideVm, type VmCase, type VmCommands, type VmVerdict } from '../../src/rules/index.js';
import { deepFreeze } from './deep-freeze.js';
import { host, stamp } from './entities.js';

export const NOW = 5000;

type CaseMore = Omit<Partial<VmCase>, 'commands'> & { readonly commands?: Partial<VmCommands> };

/** A manager that knows its VMs; h1 reports; one miss is enough; nothing else is going on. Frozen: rules are pure. */
export function vmCase(vm: Vm | undefined, report: VmReport | null, more: CaseMore = {}): VmCase {
  const { commands, ...others } = more;
  const idle = { busy: false, changedAt: null, asyncRunning: false, coldReboot: false, inPowerOffWindow: false };
  return deepFreeze({
    ...{ now: NOW, mode: 'manager', stamp: stamp(), host: host('h1'), vm, report, unsettled: undefined },
    commands: { ...idle, ...commands },
    ...{ missesNeeded: 1, lastReport: undefined, formerOwner: undefined, hostStatus: () => 'Up' },
    ...{
      managedInventory: true,
      pushesHealthy: false,
      externalDataKept: true,
      ownerLeftIt: false,
      hostInitialized: true,
    },
    data: { nicBlacklist: [], hostedEngineVmName: 'HostedEngine', jobStartedAt: () => null },
    ...others,
  });
}

/** A verdict as tables show it. Lists that are empty are left out. */
export interface Summary {
  readonly rule: string;
  /** "Up@h1→h2": status, where it runs, where it migrates to. "same": nothing changes. "none": nothing is stored. */
  readonly to: string;
  readonly effects?: readonly string[];
  /** With their parameters: "VM_DOWN ExitMessage=boom". */
  readonly events?: readonly string[];
  /** "destroy h1", "processDownVm". */
  readonly intents?: readonly string[];
  readonly signals?: readonly string[];
}

function summaryOf(verdict: VmVerdict, vm: Vm | undefined): Summary {
  const { draft, changes } = verdict;
  const lists = {
    effects: verdict.effects,
    events: draft.events.map(({ name, params }) => [name, ...Object.entries(params).map((p) => p.join('='))].join(' ')),
    intents: draft.intents.map(({ intent, hostId }) => (hostId === undefined ? intent : `${intent} ${hostId}`)),
    signals: draft.signals,
  };
  const filled = Object.entries(lists).filter(([, list]) => list.length > 0);
  return {
    rule: verdict.rule,
    to: stateOf(draft.dynamic, vm !== undefined && changes.length === 0),
    ...Object.fromEntries(filled),
  };
}

function stateOf(state: VmVerdict['draft']['dynamic'], same: boolean): string {
  if (same) return 'same';
  if (state === undefined) return 'none';
  const goal = state.migratingToVds === null ? '' : `→${state.migratingToVds}`;
  return `${state.status}@${state.runOnVds ?? '-'}${goal}`;
}

/** One row of a table: what is stored, what is reported, and what must follow from it; all of it is compared. */
export interface Row extends Summary {
  readonly title: string;
  readonly vm: Vm | undefined;
  readonly report: VmReport | null;
  readonly more?: CaseMore;
}

export function expectRow({ title: _, vm, report, more, ...expected }: Row): void {
  const verdict = decideVm(vmCase(vm, report, more));
  expect(summaryOf(verdict, vm)).toEqual(expected);
}
