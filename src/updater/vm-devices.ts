import { type Cause, causeOf, type VmDevicesReceived } from '../events/index.js';
import { type Clock, messageOf, minutes, type Telemetry } from '../kernel/index.js';
import {
  type DomainFacts,
  type DomainReport,
  type EvidenceStamp,
  type ReportedDevice,
  UPDATE_HASH,
  type Vm,
  type VmDevice,
  type VmReport,
  withParts,
  withState,
} from '../model/index.js';
import type { HostSets } from '../repository/index.js';
import { type DeviceTimes, describedVm, judgeDeviceHash, listedDevices, singleDevice } from '../rules/index.js';
import { Outbox, type OutboxPorts } from './outbox.js';
import type { RecordMaker } from './record-maker.js';
import type { VmLedger } from './vm-ledger.js';

export interface VmDevicesOptions {
  readonly mode: 'observer' | 'manager';
  readonly sets: HostSets;
  readonly ledger: VmLedger;
  readonly records: RecordMaker;
  readonly ports: OutboxPorts;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly hostedEngineVmName: string | null;
}

/** When a VM's devices were last heard of, in this process, and what was asked for. */
interface Memory {
  listAt: number | null;
  /** null: of none. Few VMs have one, and an empty map is as large as all else that is known here. */
  single: Map<string, number> | null;
  /** A fingerprint whose devices were asked for; it is remembered when they are here (D17). */
  pending: { readonly hash: string; readonly askedAt: number; readonly notedAt: number } | null;
  /** Devices of this fingerprint could not be read: they are not asked for again before this time. */
  unreadable: { readonly hash: string; readonly until: number } | null;
}

/** Some 50 µs. */
const CHARACTERS_PER_STEP = 1024;
/** What cannot be read now will hardly be readable at the next poll. */
const UNREADABLE_MS = minutes(5);

/**
 * Keeps VMs' devices (§4.13): asked for when their fingerprint changes, and handed in by the manager, whole or one by
 * one. Whichever was asked for last holds; times are monotonic ms before the agent was asked.
 */
export class VmDevices {
  readonly #o: VmDevicesOptions;
  readonly #memory = new Map<string, Memory>();

  constructor(options: VmDevicesOptions) {
    this.#o = options;
  }

  /** Before a question is sent: the time that its answer bears. */
  now(): number {
    return this.#o.clock.monotonic();
  }

  /** A report of the VM from the host that runs it. */
  noteReport(vm: Vm, report: VmReport, stamp: EvidenceStamp): void {
    const memory = this.#memory.get(vm.id);
    const { rule, verdict } = judgeDeviceHash({
      status: vm.dynamic.status,
      reported: report.deviceHash,
      askedAt: stamp.requestedAt,
      known: vm.dynamic.hash,
      knownAt: memory?.listAt ?? null,
    });
    const hash = report.deviceHash;
    if (verdict === 'nothing' || hash === null) return;
    if (verdict === 'save') {
      this.#memoryOf(vm.id).listAt = stamp.requestedAt;
      this.#store(vm, withState(vm, { hash }), causeOf(rule, stamp)).send();
    } else {
      this.#ask(vm, hash, stamp, rule);
    }
  }

  /** Descriptions that were asked for. Taking one apart takes a while: a large one counts as several steps. */
  *onDomains({ host, stamp, domains }: VmDevicesReceived): Generator<void, void, void> {
    for (const domain of domains.values()) {
      const vm = this.#o.sets.vms.get(domain.vmId);
      const facts = vm?.dynamic.runOnVds === host ? this.#read(vm, domain) : undefined;
      if (vm !== undefined && facts !== undefined) this.#onFacts(vm, facts, stamp);
      for (let work = 0; work <= domain.size; work += CHARACTERS_PER_STEP) yield;
    }
  }

  /** All devices of a VM, handed in unasked; the fingerprint reported next is theirs. False: something newer is known. */
  putList(vm: Vm, devices: readonly ReportedDevice[], askedAt: number): boolean {
    const memory = this.#memoryOf(vm.id);
    if (memory.listAt !== null && askedAt <= memory.listAt) return false;
    const next = listedDevices(vm.id, vm.devices, { devices, guestDisks: new Map() }, askedAt, timesOf(memory));
    memory.pending = null;
    noteList(memory, askedAt);
    if (next !== vm.devices || vm.dynamic.hash !== UPDATE_HASH) {
      const cause = this.#byCommand('vm.devices.handed-in');
      this.#store(vm, withParts(withState(vm, { hash: UPDATE_HASH }), { devices: next }), cause).send();
    }
    return true;
  }

  /** One device: as it is, or (null) removed. False: something newer is known. */
  putOne(vm: Vm, id: string, device: VmDevice | null, askedAt: number): boolean {
    const memory = this.#memoryOf(vm.id);
    const c = { id, device, askedAt, known: vm.devices, times: timesOf(memory) };
    const { rule, devices, counts } = singleDevice(c);
    if (!counts) return false;
    memory.single ??= new Map();
    memory.single.set(id, askedAt);
    if (devices !== vm.devices) this.#store(vm, withParts(vm, { devices }), this.#byCommand(rule)).send();
    return true;
  }

  forget(vmId: string): void {
    this.#memory.delete(vmId);
  }

  #ask(vm: Vm, hash: string, stamp: EvidenceStamp, reason: string): void {
    const memory = this.#memoryOf(vm.id);
    const now = this.#o.clock.monotonic();
    if (memory.unreadable?.hash === hash && now < memory.unreadable.until) return;
    if (memory.pending?.hash !== hash) memory.pending = { hash, askedAt: stamp.requestedAt, notedAt: now };
    this.#o.ports.streams.requests.publish({ host: stamp.host, method: 'Host.dumpxmls', vmIds: [vm.id], reason });
  }

  #read(vm: Vm, domain: DomainReport): DomainFacts | undefined {
    try {
      return domain.read();
    } catch (error) {
      const { clock, telemetry } = this.#o;
      const memory = this.#memoryOf(vm.id);
      const hash = memory.pending?.hash;
      if (hash !== undefined) memory.unreadable = { hash, until: clock.monotonic() + UNREADABLE_MS };
      memory.pending = null;
      telemetry.count('vurti_report_problems_total');
      telemetry.log('warn', 'the description of a VM could not be read', { vm: vm.id, problem: messageOf(error) });
      return undefined;
    }
  }

  #onFacts(vm: Vm, facts: DomainFacts, stamp: EvidenceStamp): void {
    const memory = this.#memoryOf(vm.id);
    // What was asked for before the fingerprint was seen may still be the devices of the one before.
    const answered = memory.pending !== null && memory.pending.notedAt <= stamp.requestedAt ? memory.pending : null;
    const askedAt = Math.min(answered?.askedAt ?? stamp.requestedAt, stamp.requestedAt);
    if (memory.listAt !== null && askedAt <= memory.listAt) return;
    const devices = listedDevices(vm.id, vm.devices, facts, askedAt, timesOf(memory));
    noteList(memory, askedAt);
    if (answered !== null) memory.pending = null;
    const hash = answered?.hash ?? vm.dynamic.hash;
    const same = devices === vm.devices && hash === vm.dynamic.hash;
    const refreshed = same ? vm : withParts(withState(vm, { hash }), { devices });
    const outbox = new Outbox(this.#o.ports);
    if (!same) this.#o.ledger.store(vm, refreshed, causeOf('vm.devices.refreshed', stamp), outbox);
    this.#describe(refreshed, facts, stamp, outbox);
    outbox.send();
  }

  #describe(vm: Vm, facts: DomainFacts, stamp: EvidenceStamp, outbox: Outbox): void {
    const { mode, hostedEngineVmName, records, sets, clock } = this.#o;
    const { rule, intents, static: next } = describedVm({ mode, vm, host: stamp.host, facts, hostedEngineVmName });
    const cause = causeOf(rule, stamp);
    const same = next.name === vm.static.name && next.vcpus === vm.static.vcpus && next.memoryMb === vm.static.memoryMb;
    if (!same || next.origin !== vm.static.origin)
      this.#o.ledger.store(vm, withParts(vm, { static: next }), cause, outbox);
    const about = { host: sets.hosts.get(stamp.host), vm: withParts(vm, { static: next }) };
    for (const intent of intents) outbox.record(records.intent(about, intent, cause, clock.now()));
  }

  #store(before: Vm, after: Vm, cause: Cause): Outbox {
    return this.#o.ledger.store(before, after, cause, new Outbox(this.#o.ports));
  }

  #byCommand(rule: string): Cause {
    return { rule, source: { by: 'command', at: this.#o.clock.now() } };
  }

  #memoryOf(vmId: string): Memory {
    let memory = this.#memory.get(vmId);
    if (memory === undefined) {
      memory = { listAt: null, single: null, pending: null, unreadable: null };
      this.#memory.set(vmId, memory);
    }
    return memory;
  }
}

const noTimes: ReadonlyMap<string, number> = new Map();
const timesOf = ({ listAt, single }: Memory): DeviceTimes => ({ list: listAt, single: single ?? noTimes });

/** What was heard of single devices before is told by the list as well. */
function noteList(memory: Memory, at: number): void {
  memory.listAt = at;
  if (memory.single === null) return;
  for (const [id, heardAt] of memory.single) if (heardAt <= at) memory.single.delete(id);
  if (memory.single.size === 0) memory.single = null;
}
