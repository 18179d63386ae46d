import { describe, expect, it } from 'vitest';
import { CountedIds } from '../../src/kernel/index.js';
import { defaultSettings, type Vm } from '../../src/model/index.js';
import { HaRestarts, RecordMaker } from '../../src/updater/index.js';
import { vm } from '../support/entities.js';
import { outboxPorts } from '../support/ports.js';
import { world } from '../support/world.js';

const failed = (id: string, priority = 0): Vm =>
  vm(id, 'Down', { exitStatus: 'Error', static: { ha: true, priority } });

function restarts(vms: readonly Vm[], ready: () => boolean = () => true) {
  const w = world({ vms });
  const queue = new HaRestarts({
    sets: w.sets,
    commands: w.commands,
    records: new RecordMaker(new CountedIds(), 'manager'),
    ports: outboxPorts({ committer: w.committer, streams: w.streams, time: w.time }),
    settings: defaultSettings.haRestart,
    ready,
    clock: w.time,
    scheduler: w.time,
  });
  /** "second VM" of each advice so far. */
  const advice = (): string[] =>
    w.recordsOf('intent').map((intent) => `${(intent.time - 1_000_000) / 1000} ${intent.vmId}`);
  return { w, queue, advice };
}

describe('restarts of highly available VMs', () => {
  it('begin with what failed before the service started', async () => {
    const { w, queue, advice } = restarts([
      failed('V1'),
      vm('V2', 'Down', { exitStatus: 'Normal', static: { ha: true } }),
      vm('V3', 'Down', { exitStatus: 'Error' }),
    ]);
    queue.queueAll();
    expect(queue.queued).toEqual(['V1']);
    await w.time.runFor(0);
    expect(advice()).toEqual(['0 V1']);
    queue.stop();
    expect(w.time.waiting().size).toBe(0);
  });

  it('wait until every host was heard: a VM that is down by the database may in truth run', async () => {
    let ready = false;
    const { w, queue, advice } = restarts([failed('V1')], () => ready);
    queue.queueAll();
    await w.time.runFor(20_000);
    expect(advice()).toEqual([]);
    ready = true;
    await w.time.runFor(1000);
    expect(advice()).toEqual(['21 V1']);
  });

  it('order VMs that fail together by their priority', async () => {
    const { w, queue, advice } = restarts([failed('low', 1), failed('high', 9)]);
    queue.queue('low');
    queue.queue('high');
    await w.time.runFor(0);
    expect(advice()).toEqual(['0 high']);
    w.sets.putVm(vm('high', 'Up', { static: { ha: true, priority: 9 } }));
    await w.time.runFor(1000);
    expect(advice()).toEqual(['0 high', '1 low']);
  });

  it('are repeated, each try with a key of its own, and the failure is told', async () => {
    const { w, queue } = restarts([failed('V1')]);
    queue.queue('V1');
    await w.time.runFor(95_000);
    const intents = w.recordsOf('intent');
    expect(intents.map((intent) => intent.evidence['attempt'])).toEqual([1, 2, 3, 4]);
    expect(new Set(intents.map((intent) => intent.key)).size).toBe(4);
    expect(w.eventNames()).toEqual(['HA_VM_RESTART_FAILED', 'HA_VM_RESTART_FAILED', 'HA_VM_RESTART_FAILED']);
  });

  it('take the host application’s word that a start failed', async () => {
    const { w, queue, advice } = restarts([failed('V1')]);
    queue.queue('V1');
    await w.time.runFor(5000);
    queue.tryFailed('V1');
    await w.time.runFor(0);
    expect(w.eventNames()).toEqual(['HA_VM_RESTART_FAILED']);
    await w.time.runFor(29_999);
    expect(advice()).toEqual(['0 V1']);
    await w.time.runFor(1);
    expect(advice()).toEqual(['0 V1', '35 V1']);
  });

  it('count a VM that fails while it starts as a failed try, not as a new failure', async () => {
    const { w, queue } = restarts([failed('V1')]);
    queue.queue('V1');
    await w.time.runFor(0);
    w.sets.putVm(vm('V1', 'PoweringUp', { static: { ha: true } }));
    await w.time.runFor(10_000);
    w.sets.putVm(failed('V1'));
    queue.queue('V1');
    await w.time.runFor(0);
    expect(w.eventNames()).toEqual(['HA_VM_RESTART_FAILED']);
    await w.time.runFor(30_000);
    expect(w.recordsOf('intent').map((intent) => intent.evidence['attempt'])).toEqual([1, 2]);
  });

  it('end when the VM runs; then nothing waits', async () => {
    const { w, queue } = restarts([failed('V1')]);
    queue.queue('V1');
    await w.time.runFor(0);
    w.sets.putVm(vm('V1', 'Up', { static: { ha: true } }));
    await w.time.runFor(2000);
    expect(queue.queued).toEqual([]);
    expect(w.time.waiting().get('haRestarts')).toBeUndefined();
  });
});
