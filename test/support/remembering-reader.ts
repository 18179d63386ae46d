import { layoutOf, numbersOf, VmFigures } from '../../src/fetcher/differential/vm-figures.js';
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
  readonly shape: unknown;
  readonly report: VmReport;
  /** null: nothing was measured. */
  readonly figures: VmFigures | null;
  last: VmStatisticsSample | null;
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
      const numbers = now === null ? null : (numbersOf(now, null, layoutOf(now)) ?? null);
      let remembered = this.#last.get(state.vmId);
      const follows =
        remembered !== undefined &&
        sameValue(remembered.state, state) &&
        sameValue(remembered.shape, shapeOf(now)) &&
        (remembered.figures === null) === (numbers === null) &&
        (now === null) === (numbers === null);
      if (remembered === undefined || !follows) {
        remembered = make(state, now, numbers);
        changed.push(remembered.report);
      } else if (!sameValue(remembered.last, now)) {
        remembered.figures?.row.values.set(numbers ?? []);
        remembered.figures?.outdateDisksUsage();
        remembered.last = now;
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

/** All of a sample that is no number, and which parts it has. */
function shapeOf(sample: VmStatisticsSample | null): unknown {
  if (sample === null) return null;
  const { nics, disks, disksUsage, memory, balloon } = sample;
  return {
    nics: nics?.map(({ name, macAddr, status }) => [name, macAddr, status]) ?? null,
    disks: disks?.map(({ device, imageId, lunGuid }) => [device, imageId, lunGuid]) ?? null,
    usedDisks: disksUsage?.map(({ path, fs }) => [path, fs]) ?? null,
    ...{ memory: memory === null, balloon: balloon === null },
  };
}

function make(state: Omit<Said, 'sample'>, now: VmStatisticsSample | null, numbers: Float64Array | null): Remembered {
  const { vmId, status, ...rest } = state;
  const figures = now === null || numbers === null ? null : new VmFigures(now, numbers, layoutOf(now));
  const remembered: Remembered = {
    ...{ state, shape: shapeOf(now), figures, last: now, version: 0 },
    report: {
      ...polled(vmId, status ?? 'Up', rest),
      get figuresVersion() {
        return remembered.version;
      },
      statistics: () => figures ?? now,
    },
  };
  return remembered;
}
