import type { VmDisk, VmDiskSample } from '../../model/index.js';
import type { Row } from '../row.js';

/** A LUN of the VM in the report of its power-up. */
export interface LunCase {
  readonly disk: VmDisk;
  /** GiB; undefined: not in the report. */
  readonly reportedGb: number | undefined;
}

type LunRow = Row<LunCase, { disk: VmDisk }>;

/** What may follow for one LUN (§4.12, D18). Rows exclude each other; no row, no change. */
export const lunEffects: readonly LunRow[] = [
  {
    name: 'vm.lun.resized',
    doc: 'A LUN has another size than is known. Looked at when the VM powers up; a LUN that is not reported, or with no size, keeps the one it has.',
    when: (c) => c.reportedGb !== undefined && c.reportedGb !== 0 && c.reportedGb !== (c.disk.lunSizeGb ?? null),
    then: (c, draft) => {
      draft.disk = { ...c.disk, lunSizeGb: c.reportedGb ?? null };
    },
  },
];

/** The VM's disks with the sizes of their LUNs; the same list when none has another size. */
export function resizedLuns(
  disks: readonly VmDisk[] | null,
  samples: readonly VmDiskSample[] | null,
): readonly VmDisk[] | null {
  if (disks === null || samples === null) return disks;
  const sizes = new Map<string, number>();
  for (const { lunGuid, trueSize } of samples) {
    if (lunGuid !== null && trueSize !== null) sizes.set(lunGuid, Number(BigInt(trueSize) / 2n ** 30n));
  }
  let changed = false;
  const next = disks.map((disk) => {
    if (disk.lunId === null) return disk;
    const c: LunCase = { disk, reportedGb: sizes.get(disk.lunId) };
    const draft = { disk };
    for (const row of lunEffects) if (row.when(c)) row.then(c, draft);
    changed ||= draft.disk !== disk;
    return draft.disk;
  });
  return changed ? next : disks;
}
