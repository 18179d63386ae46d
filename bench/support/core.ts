import { NEVER } from 'rxjs';
import type { ChangeSet, Committer, Evidence, Streams } from '../../src/events/index.js';
import { CountedIds, VirtualTime } from '../../src/kernel/index.js';
import { defaultSettings, type EvidenceStamp, type VmColumns, type VmStatsReport } from '../../src/model/index.js';
import { makeContainer } from '../../src/monitor/container.js';
import { tokens } from '../../src/monitor/index.js';
import { ComparedReports } from '../../src/push-adapter/compared-reports.js';
import { vmEvidence } from '../../src/push-adapter/vm-poll.js';
import type { HostSets } from '../../src/repository/index.js';
import { MemoryStore } from '../../src/store/index.js';

/**
 * The monitor from the evidence up to the committer, without fetcher, planner and store: answers are handed in, change sets
 * are counted and dropped. So it is the comparison and the decisions that are measured.
 */
export class Core {
  readonly time = new VirtualTime();
  readonly sets: HostSets;
  readonly committed = { rows: 0, records: 0 };
  readonly #streams: Streams;
  readonly #compared = new Map<string, ComparedReports>();
  readonly #seqs = new Map<string, number>();

  constructor(hosts: readonly string[]) {
    const { time } = this;
    const { logReader, stateLoader } = new MemoryStore({ clock: time, scheduler: time });
    const store = {
      kind: 'memory',
      logReader,
      stateLoader,
      committer: this.#committer(),
      close: async () => {},
    } as const;
    const options = { store, clock: time, scheduler: time, ids: new CountedIds() };
    const container = makeContainer(options, { settings: { ...defaultSettings, mode: 'observer' }, tls: null });
    this.sets = container.get(tokens.sets);
    this.#streams = container.get(tokens.streams);
    container.get(tokens.pipeline).start();
    const inventory = container.get(tokens.inventoryUpdater);
    for (const name of hosts) inventory.putHost({ name, address: '127.0.0.1', protocol: 'http' });
  }

  /** What the push-adapter makes of one answer: it is compared with the repository. */
  evidenceOf(host: string, report: VmStatsReport): readonly Evidence[] {
    return vmEvidence(host, this.#stampOf(host), report, this.sets.vms, this.#comparedOf(host));
  }

  /** The updaters' part; done when it returns, as long as a host has fewer VMs than a slice of the queue. */
  apply(evidence: readonly Evidence[]): void {
    for (const piece of evidence) this.#streams.evidence.publish(piece);
  }

  /** As if the devices of all VMs in this answer had been asked for and read. */
  readDevices(report: VmStatsReport): void {
    for (const { vmId, deviceHash } of report.changed()) {
      const vm = this.sets.vms.get(vmId);
      if (vm !== undefined) this.sets.putVm({ ...vm, dynamic: { ...vm.dynamic, hash: deviceHash } });
    }
  }

  #comparedOf(host: string): ComparedReports {
    let compared = this.#compared.get(host);
    if (compared === undefined) {
      compared = new ComparedReports();
      this.#compared.set(host, compared);
    }
    return compared;
  }

  #stampOf(host: string): EvidenceStamp {
    const seq = (this.#seqs.get(host) ?? 0) + 1;
    this.#seqs.set(host, seq);
    const at = { requestedAt: this.time.monotonic(), receivedAt: this.time.now() };
    return { host, session: 1, kind: 'poll', seq, ...at, complete: true };
  }

  #committer(): Committer {
    const { committed } = this;
    const state = { waitingRows: 0, waitingRecords: 0, setAside: [], flushes: 0, flushP99Ms: null, journal: null };
    return {
      commit({ rows, records }: ChangeSet, show?: () => void) {
        committed.rows += rows.length;
        committed.records += records.length;
        show?.();
      },
      usage(vms: readonly VmColumns[]) {
        committed.rows += vms.length;
      },
      flushed: () => Promise.resolve(),
      committed$: NEVER,
      state: () => ({ ...state, failingSince: null, lastError: null }),
      stop: () => Promise.resolve(),
    };
  }
}
