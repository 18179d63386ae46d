import { describe, expect, it } from 'vitest';
import { defaultSettings, type ExitStatus, type Vm, type VmStatus, vmStatusIds } from '../../src/model/index.js';
import {
  needsRestart,
  newRestart,
  type Restart,
  type RestartRound,
  restartRound,
  restartTransitions,
} from '../../src/rules/index.js';
import { vm } from '../support/entities.js';

const settings = defaultSettings.haRestart;

function failed(
  id: string,
  priority = 0,
  status: VmStatus = 'Down',
  exitStatus: ExitStatus = 'Error',
  ha: boolean | null = true,
): Vm {
  return vm(id, status, { exitStatus, static: { ha, priority } });
}

/** Rounds over VMs that the test may change in between. */
function rounds(...vms: readonly Vm[]) {
  const byId = new Map(vms.map((each) => [each.id, each]));
  let queue: readonly Restart[] = vms.map((each) => newRestart(each.id, 0));
  const busy = new Set<string>();
  return {
    byId,
    busy,
    tell: (id: string) => {
      queue = queue.map((restart) => (restart.vmId === id ? { ...restart, toldFailed: true } : restart));
    },
    at: (now: number): RestartRound & { readonly ids: readonly string[]; readonly started: readonly string[] } => {
      const round = restartRound(queue, { now, vm: (id) => byId.get(id), busy: (id) => busy.has(id), settings });
      queue = round.queue;
      return { ...round, ids: queue.map((restart) => restart.vmId), started: round.start.map((start) => start.vm.id) };
    },
  };
}

describe('which VMs are to be started again', () => {
  it.each<[string, Vm, boolean]>([
    ['failed', failed('v'), true],
    ['nobody knows how it ended (D20)', failed('v', 0, 'Down', 'Unknown'), false],
    ['ended as it was meant to', failed('v', 0, 'Down', 'Normal'), false],
    ['not highly available', failed('v', 0, 'Down', 'Error', false), false],
    ['not known whether', failed('v', 0, 'Down', 'Error', null), false],
    ['runs', failed('v', 0, 'Up'), false],
    ['suspended', failed('v', 0, 'Suspended'), false],
  ])('%s', (_, each, expected) => {
    expect(needsRestart(each)).toBe(expected);
  });
});

describe('one round (§4.15)', () => {
  it('starts the most important VMs; others wait until those are up', () => {
    const r = rounds(failed('low', 1), failed('high', 50), failed('high2', 50));
    expect(r.at(0)).toMatchObject({ started: ['high', 'high2'], blocked: ['low'], ids: ['high', 'high2', 'low'] });
    r.byId.set('high', failed('high', 50, 'PoweringUp'));
    r.byId.set('high2', failed('high2', 50, 'Up'));
    expect(r.at(1000)).toMatchObject({ started: [], blocked: ['low'], ids: ['high', 'low'] });
    r.byId.set('high', failed('high', 50, 'Up'));
    expect(r.at(2000)).toMatchObject({ started: ['low'], blocked: [], ids: ['low'] });
  });

  it('does not let a VM wait longer than its time, in all', () => {
    const r = rounds(failed('low', 1), failed('high', 50));
    r.at(0);
    r.byId.set('high', failed('high', 50, 'Paused'));
    for (let now = 1000; now <= 600_000; now += 1000) expect(r.at(now).started).toEqual([]);
    expect(r.at(601_000).started).toEqual(['low']);
  });

  it('forgets VMs that need it no longer', () => {
    const r = rounds(
      failed('up', 0, 'Up'),
      failed('ended', 0, 'Down', 'Normal'),
      failed('other', 0, 'Down', 'Error', false),
      failed('gone'),
      failed('coming', 0, 'PoweringUp', 'Error', false),
    );
    r.byId.delete('gone');
    expect(r.at(0)).toMatchObject({ ids: [], started: [], nextAt: null });
  });

  it('waits for a command that works on the VM, without counting it', () => {
    const r = rounds(failed('v'));
    r.busy.add('v');
    expect(r.at(0)).toMatchObject({ started: [], ids: ['v'], nextAt: 1000 });
    r.busy.clear();
    expect(r.at(1000).started).toEqual(['v']);
  });

  it('does not call a start failed while its command waits for the VM', () => {
    const r = rounds(failed('v'));
    r.at(0);
    r.busy.add('v');
    expect(r.at(90_000)).toMatchObject({ failed: [], started: [], ids: ['v'] });
  });
});

describe('tries that fail', () => {
  it('are repeated after 30 s until ten have failed, then every 1800 s', () => {
    const r = rounds(failed('v'));
    const tries: number[] = [];
    let failures = 0;
    for (let now: number | null = 0; now !== null && tries.length < 13; ) {
      const round = r.at(now);
      if (round.started.length > 0) {
        tries.push(now);
        r.tell('v');
      }
      failures += round.failed.length;
      now = round.started.length > 0 ? now : round.nextAt;
    }
    const waits = tries.slice(1).map((at, i) => (at - (tries[i] ?? 0)) / 1000);
    expect(waits).toEqual([30, 30, 30, 30, 30, 30, 30, 30, 30, 1800, 1800, 1800]);
    expect(failures).toBe(12);
  });

  it('are noticed without a word, too: the VM is still down', () => {
    const r = rounds(failed('v'));
    expect(r.at(0).start).toMatchObject([{ attempt: 1 }]);
    expect(r.at(29_999)).toMatchObject({ failed: [], started: [] });
    expect(r.at(30_000).failed.map((each) => each.vm.id)).toEqual(['v']);
    expect(r.at(30_000).start).toMatchObject([{ attempt: 2 }]);
  });

  it('are not repeated before their time', () => {
    const r = rounds(failed('v'));
    r.at(0);
    r.tell('v');
    expect(r.at(1000)).toMatchObject({ failed: [{ vm: { id: 'v' } }], started: [], nextAt: 31_000 });
    expect(r.at(1000)).toMatchObject({ failed: [], started: [], nextAt: 31_000 });
    expect(r.at(30_999)).toMatchObject({ started: [], ids: ['v'], nextAt: 31_000 });
    expect(r.at(31_000).started).toEqual(['v']);
  });

  it('of one VM do not delay the next look at another', () => {
    const r = rounds(failed('v'), failed('w'));
    r.at(0);
    r.tell('v');
    r.at(1000);
    expect(r.at(1000).nextAt).toBe(2000);
  });

  it('block less important VMs all the while', () => {
    const r = rounds(failed('low', 1), failed('high', 50));
    r.at(0);
    r.tell('high');
    expect(r.at(1000)).toMatchObject({ blocked: ['low'], started: [] });
  });
});

it('each VM meets exactly one row', () => {
  const problems: string[] = [];
  for (const status of Object.keys(vmStatusIds) as VmStatus[])
    for (const exitStatus of ['Normal', 'Error', 'Unknown'] as const)
      for (const ha of [true, false, null])
        for (const triedAt of [null, 0, 99_000])
          for (const toldFailed of [true, false])
            for (const dueAt of [0, 200_000])
              for (const busy of [true, false])
                for (const awaitedPriority of [Number.NEGATIVE_INFINITY, 9]) {
                  const restart = { ...newRestart('v', 0), triedAt, toldFailed, dueAt };
                  const c = {
                    now: 100_000,
                    restart,
                    vm: failed('v', 1, status, exitStatus, ha),
                    busy,
                    awaitedPriority,
                    settings,
                  };
                  const names = restartTransitions.filter((row) => row.when(c)).map((row) => row.name);
                  if (names.length !== 1) problems.push(`${status} ${exitStatus}: ${names.join(' and ')}`);
                }
  expect(problems).toEqual([]);
});
