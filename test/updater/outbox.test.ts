import { describe, expect, it } from 'vitest';
import {
  type AgentRequest,
  type Cause,
  type Change,
  Channel,
  type EventRecord,
  type Evidence,
} from '../../src/events/index.js';
import { CountedIds, silentTelemetry } from '../../src/kernel/index.js';
import { RecordMaker } from '../../src/updater/index.js';
import { hostPart, Outbox, vmPart } from '../../src/updater/outbox.js';
import { host, vm } from '../support/entities.js';
import { outboxPorts } from '../support/ports.js';
import { RecordingCommitter } from '../support/world.js';

const cause: Cause = { rule: 'r', source: { by: 'timer', at: 5 } };
const about = { host: host('h1'), vm: vm('v1', 'Up', { static: { name: 'web' } }) };

function setup() {
  const order: string[] = [];
  const counted: string[] = [];
  const committer = new RecordingCommitter((what) => order.push(what));
  const changes = new Channel<Change>();
  changes.stream$.subscribe((change) => order.push(change.name));
  const telemetry = { ...silentTelemetry, count: (name: string) => void counted.push(name) };
  const streams = { changes, evidence: new Channel<Evidence>(), requests: new Channel<AgentRequest>() };
  const ports = outboxPorts({ committer, streams, telemetry });
  return { ports, order, committer, counted };
}

describe('Outbox', () => {
  const records = new RecordMaker(new CountedIds(), 'manager');
  const paused = { name: 'VmStateChanged', from: 'Up', to: 'Paused', changes: [], cause, ...vmPart(about.vm) } as const;
  const initializing = (time: number): EventRecord =>
    records.event(about, { name: 'VDS_INITIALIZING', params: {} }, cause, time);

  it('hands rows and records over together and in order, before it publishes changes', () => {
    const { ports, order, committer } = setup();
    const outbox = new Outbox(ports);
    outbox.change(paused);
    outbox.change({ name: 'VdsUpdated', changes: [], cause, ...hostPart(about.host) });
    outbox.row({ kind: 'vm_dynamic', row: about.vm.dynamic });
    const [first, second] = [1, 2].map((time) => records.event(about, { name: 'VM_PAUSED', params: {} }, cause, time));
    outbox.record(first!);
    outbox.record(second!);
    expect(order).toEqual([]);
    outbox.send();
    expect(order).toEqual(['commit', 'VmStateChanged', 'VdsUpdated']);
    expect(committer.sets).toEqual([
      { rows: [{ kind: 'vm_dynamic', row: about.vm.dynamic }], records: [first, second] },
    ]);
  });

  it('commits nothing when there is nothing, and may still publish', () => {
    const { ports, order } = setup();
    new Outbox(ports).send();
    expect(order).toEqual([]);
    const outbox = new Outbox(ports);
    outbox.change(paused);
    outbox.send();
    expect(order).toEqual(['VmStateChanged']);
  });

  it('holds back events in their flood time and counts both kinds', () => {
    const { ports, committer, counted } = setup();
    const outbox = new Outbox(ports);
    for (const time of [0, 1000]) outbox.record(initializing(time));
    outbox.send();
    expect(committer.sets[0]?.records).toHaveLength(1);
    expect(counted).toEqual(['vurti_events_total', 'vurti_events_held_back_total']);
  });

  it('never holds back a change record', () => {
    const { ports, committer } = setup();
    const outbox = new Outbox(ports);
    for (const time of [0, 0]) outbox.record(records.change(about, 'vm', 'changed', [], cause, time));
    outbox.send();
    expect(committer.sets[0]?.records).toHaveLength(2);
  });

  it('gives the same advice once', () => {
    const { ports, committer } = setup();
    const draft = { intent: 'destroy', vmId: 'v1', hostId: 'h1', evidence: {} } as const;
    for (const time of [0, 1]) {
      const outbox = new Outbox(ports);
      outbox.record(records.intent(about, draft, cause, time));
      outbox.send();
    }
    expect(committer.sets).toHaveLength(1);
    const [given] = committer.sets;
    expect(given).toMatchObject({ rows: [{ kind: 'intent' }], records: [{ kind: 'intent', key: 'destroy:v1:h1:0' }] });
  });
});

describe('RecordMaker', () => {
  const maker = new RecordMaker(new CountedIds(), 'manager');
  const base = { time: 7, hostId: 'h1', vmId: 'v1', clusterId: 'c1', cause, correlation: null };

  it('makes change records of the entity concerned', () => {
    const changes = [{ path: 'status', from: 'Up', to: 'Down' }];
    expect(maker.change(about, 'vm', 'changed', changes, cause, 7)).toEqual({
      ...base,
      ...{ kind: 'change', entity: 'vm', entityId: 'v1', what: 'changed', changes },
    });
    const ofHost = maker.change({ host: about.host, vm: undefined }, 'host', 'removed', [], cause, 7);
    expect(ofHost).toMatchObject({ entity: 'host', entityId: 'h1', what: 'removed', vmId: null });
  });

  it('makes events with the catalogue’s severity, names in the message and parameters as given', () => {
    const event = maker.event(about, { name: 'VM_DOWN_ERROR', params: { ExitMessage: 'boom' } }, cause, 7);
    expect(event).toEqual({
      ...base,
      ...{ kind: 'event', name: 'VM_DOWN_ERROR', severity: 'ERROR', params: { ExitMessage: 'boom' } },
      ...{ message: 'is down with error. boom', customId: null, parent: null, id: event.id },
    });
    const next = maker.event(about, { name: 'VM_PAUSED', params: {}, customId: 'eth0' }, cause, 7);
    expect(next.id).not.toBe(event.id);
    expect(next.customId).toBe('eth0');
  });

  it('binds the records of an incident together', () => {
    const incident = { correlation: maker.incident(), parent: 'p1' };
    expect(maker.event(about, { name: 'VM_PAUSED', params: {} }, cause, 7, incident)).toMatchObject(incident);
    expect(maker.change(about, 'vm', 'changed', [], cause, 7, incident).correlation).toBe(incident.correlation);
    expect(maker.incident()).not.toBe(incident.correlation);
  });

  it.each([
    ['observer', true],
    ['manager', false],
  ] as const)('says whether anybody may act on advice: %s', (mode, advisory) => {
    const draft = { intent: 'destroy', hostId: 'h2', vmId: 'v2', evidence: { because: 'x' } } as const;
    const intent = new RecordMaker(new CountedIds(), mode).intent(about, draft, cause, 7);
    // The host that the advice is about, not the one whose report led to it.
    expect(intent).toEqual({
      ...base,
      ...{
        kind: 'intent',
        intent: 'destroy',
        ...{ key: 'destroy:v2:h2:7', round: 0, since: 100 },
        advisory,
        evidence: { because: 'x' },
        hostId: 'h2',
        vmId: 'v2',
      },
    });
  });

  it('takes the cluster of the VM where there is no host', () => {
    const alone = vm('v1', 'Down', { static: { clusterId: 'c9' } });
    expect(maker.change({ host: undefined, vm: alone }, 'vm', 'changed', [], cause, 7)).toMatchObject({
      ...{ hostId: null, vmId: 'v1', clusterId: 'c9' },
    });
  });
});
