import type { Clock } from '../kernel/index.js';
import type { EvidenceStamp, HostSettings, MonitorSettings, Vds, VmReport } from '../model/index.js';
import type { HostSets, Inventory } from '../repository/index.js';
import { laidOver, nicPatterns, type VmCase } from '../rules/index.js';
import type { CommandBook } from './command-book.js';
import type { VmJobs } from './vm-jobs.js';
import type { VmMemory } from './vm-memory.js';

export interface VmCasesOptions {
  readonly mode: 'observer' | 'manager';
  readonly sets: HostSets;
  readonly inventory: Inventory;
  readonly commands: CommandBook;
  readonly memory: VmMemory;
  readonly jobs: VmJobs;
  readonly settings: Pick<MonitorSettings, 'guest' | 'hostedEngineVmName'>;
  readonly settingsOf: (hostId: string) => HostSettings;
  readonly clock: Clock;
}

/** Gathers all that one decision about one VM depends on, as it is at this moment. */
export class VmCases {
  readonly #o: VmCasesOptions;
  readonly #nicBlacklist: readonly RegExp[];

  constructor(options: VmCasesOptions) {
    this.#o = options;
    this.#nicBlacklist = nicPatterns(options.settings.guest.nicBlacklist);
  }

  of(vmId: string, report: VmReport | null, stamp: EvidenceStamp, host: Vds): VmCase {
    const { sets, inventory, commands, memory, jobs, mode, clock, settings, settingsOf } = this.#o;
    const vm = sets.vms.get(vmId);
    const whole = report !== null && vm !== undefined && stamp.kind === 'push' ? laidOver(report, vm.dynamic) : report;
    const pushesSince = sets.hosts.liveness(host.id)?.pushesSince ?? null;
    const heardAt = sets.vms.heardAt(vmId);
    // One literal: put together of spreads it would take 6 KB.
    return {
      now: clock.now(),
      mode,
      stamp,
      host,
      vm,
      report: whole,
      unsettled: sets.vms.unsettled(vmId),
      commands: commands.of(vmId),
      missesNeeded: settingsOf(stamp.host).absence.misses,
      lastReport: memory.lastReport(vmId),
      formerOwner: memory.formerOwner(vmId, stamp.host),
      ownerLeftIt: vm !== undefined && memory.hasLeft(vmId, vm.dynamic.runOnVds),
      hostStatus: (id) => sets.hosts.get(id)?.dynamic.status,
      managedInventory: inventory.managesVms,
      // Since the VM was last listed: polls alone cannot tell an ordinary end from an unseen one.
      pushesHealthy: pushesSince !== null && heardAt !== null && pushesSince <= heardAt,
      externalDataKept: commands.externalDataKept(vmId),
      hostInitialized: memory.isInitialized(stamp),
      data: {
        nicBlacklist: this.#nicBlacklist,
        hostedEngineVmName: settings.hostedEngineVmName,
        jobStartedAt: (jobId) => jobs.startedAt(vmId, jobId),
      },
    };
  }
}
