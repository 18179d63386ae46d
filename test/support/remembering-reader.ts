import {
  sameValue,
  type VmReport,
  type VmStatisticsSample,
  type VmStatsReport,
  type VmStatus,
} from '../../src/model/index.js';
import { polled, type ReportMore, sample, vmStats } from './entities.js';

export interface Said extends ReportMore {
  readonly vmId: string;
  readonly status?: VmStatus;
}

interface Remembered {
  readonly state: Omit<Said, 'sample'>;
  readonly report: VmReport;
  sample: VmStatisticsSample | null;
  version: number;
}

/** A reader with memory, as the contract of VmReport allows it to be: the same object while only figures differ. */
export class RememberingReader {
  #last = new Map<string, Remembered>();
  /** The same list while it does not differ. */
  #all: readonly VmReport[] = [];

  read(said: readonly Said[], more: Parameters<typeof vmStats>[1] = {}): VmStatsReport {
    const next = new Map<string, Remembered>();
    const changed: VmReport[] = [];
    for (const { sample: measured, ...state } of said) {
      const now = measured === undefined ? null : sample(measured);
      let remembered = this.#last.get(state.vmId);
      if (
        remembered === undefined ||
        !sameValue(remembered.state, state) ||
        (remembered.sample === null) !== (now === null)
      ) {
        remembered = make(state, now);
        changed.push(remembered.report);
      } else if (!sameValue(remembered.sample, now)) {
        remembered.sample = now;
        remembered.version += 1;
      }
      next.set(state.vmId, remembered);
    }
    this.#last = next;
    const all = [...next.values()].map(({ report }) => report);
    if (all.length !== this.#all.length || all.some((report, i) => report !== this.#all[i])) this.#all = all;
    return { ...vmStats(this.#all, more), changed: () => changed };
  }
}

function make(state: Omit<Said, 'sample'>, now: VmStatisticsSample | null): Remembered {
  const { vmId, status, ...rest } = state;
  const remembered: Remembered = {
    state,
    sample: now,
    version: 0,
    report: {
      ...polled(vmId, status ?? 'Up', rest),
      get figuresVersion() {
        return remembered.version;
      },
      statistics: () => remembered.sample,
    },
  };
  return remembered;
}
