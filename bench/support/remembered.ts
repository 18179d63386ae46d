import { layoutOf, numbersOf, VmFigures } from '../../src/fetcher/differential/vm-figures.js';
import type { VmReport, VmStatisticsSample, VmStatsReport } from '../../src/model/index.js';

/** Answers of one host, one after the other, as a reader with memory gives them: `next` is the reading of the next one. */
export interface RememberedAnswer {
  readonly report: VmStatsReport;
  readonly next: () => void;
}

/** Made of plain answers in which only figures differ: all share their reports of VMs. `versions` false: nothing differs. */
export function remembered(plain: readonly VmStatsReport[], versions: boolean): RememberedAnswer[] {
  let current = 0;
  const reads: (() => void)[] = [];
  const all = (plain[0]?.all() ?? []).map((first): VmReport => {
    const samples = plain.map((report) => report.get(first.vmId)?.statistics() ?? null);
    const rows = samples.map((sample) => (sample === null ? undefined : numbersOf(sample, null, layoutOf(sample))));
    const figures = figuresOf(samples[0] ?? null, rows[0]);
    reads.push(() => {
      figures?.row.values.set(rows[current] ?? []);
      figures?.outdateDisksUsage();
    });
    return {
      ...first,
      get figuresVersion() {
        return versions ? current : 0;
      },
      statistics: () => figures,
      guestInterfaces: () => first.guestInterfaces(),
      jobs: () => first.jobs(),
    };
  });
  const byId = new Map(all.map((report) => [report.vmId, report]));
  return plain.map((_, index) => ({
    report: {
      ...{ complete: true, size: all.length, problems: [] },
      has: (vmId) => byId.has(vmId),
      ids: () => byId.keys(),
      get: (vmId) => byId.get(vmId),
      all: () => all,
      changed: () => (index === 0 ? all : []),
    },
    next: () => {
      current = index;
      if (versions) for (const read of reads) read();
    },
  }));
}

/** Figures whose numbers are written over with each answer. */
function figuresOf(sample: VmStatisticsSample | null, numbers: Float64Array | undefined): VmFigures | null {
  return sample === null || numbers === undefined ? null : new VmFigures(sample, numbers.slice(), layoutOf(sample));
}
