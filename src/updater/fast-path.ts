import type {
  EvidenceStamp,
  SampleRow,
  Vds,
  VdsReader,
  Vm,
  VmColumns,
  VmReport,
  VmStatsReport,
} from '../model/index.js';
import type { VmRepository } from '../repository/index.js';
import { isUsual } from '../rules/index.js';
import type { Watched } from './watched.js';

/** A VM whose next report may take the fast path: what was looked at when it took the long way. */
export interface Seat {
  readonly report: VmReport;
  readonly vm: Vm;
  readonly columns: VmColumns;
  readonly watched: Watched;
  /** The report's figures, and the nics and disks of the columns that were found to be theirs. */
  readonly row: SampleRow;
  readonly nics: VmColumns['sampledNics'];
  readonly disks: VmColumns['sampledDisks'];
  /** The host's revision (`VmReader.revisionOf`) at which `vm` and `columns` were the repository's. */
  revision: number;
  /** The `figuresVersion` that the columns hold. */
  version: number;
  /** The cluster that balloons or not, and whether its figures gave rise to nothing: then the same figures do so again. */
  ballooning: boolean;
  quiet: boolean;
}

export type Detour =
  | 'unknown'
  | 'elsewhere'
  | 'other-status'
  | 'first-report'
  | 'hosted-engine'
  | 'jobs'
  | 'no-figures'
  | 'unusual-figures';

/**
 * The fast path (docs/adr/0014): of a VM that is as expected nothing but its figures is touched. This says why a VM's
 * report has to take the long way instead; null: it need not, and need not be asked again while neither the report nor
 * the VM is another object (`isSeated`), since both are immutable but for the report's figures.
 *
 * What is open of the VM (unsettled) does not count here: it is decided after the figures of all VMs, on either path.
 */
export function detourOf(
  vm: Vm | undefined,
  columns: VmColumns | undefined,
  report: VmReport,
  host: { readonly id: string; readonly isInitialized: boolean },
): Detour | null {
  if (vm === undefined) return 'unknown';
  if (vm.dynamic.runOnVds !== host.id) return 'elsewhere';
  if (vm.dynamic.status !== report.status) return 'other-status';
  // Seen where it was expected, in the first report since the start: that is news although nothing has changed (§4.5).
  if (!host.isInitialized) return 'first-report';
  // The VM of a hosted engine may wait for its import.
  if (vm.static.origin === 'HOSTED_ENGINE') return 'hosted-engine';
  const jobs = report.jobs();
  if (jobs !== null && (jobs.length > 0 || vm.jobs.length > 0)) return 'jobs';
  const sample = report.statistics();
  if (columns === undefined || sample === null) return 'no-figures';
  return isUsual(vm, columns, sample) ? null : 'unusual-figures';
}

/** Whether what `detourOf` looked at is still so. The VM is looked up only when something of its host has changed. */
function isSeated(seat: Seat, report: VmReport, vms: VmRepository, revision: number): boolean {
  const { vm, columns } = seat;
  if (seat.report !== report || columns.facts !== vm.static) return false;
  if (columns.sampledNics !== seat.nics || columns.sampledDisks !== seat.disks) return false;
  if (seat.revision === revision) return true;
  if (vms.get(vm.id) !== vm || vms.columns(vm.id) !== columns) return false;
  seat.revision = revision;
  return true;
}

export interface FastPathOptions {
  readonly hosts: VdsReader;
  readonly figures: {
    takeSeated(seat: Seat, host: Vds, stamp: EvidenceStamp): boolean;
    watchedOf(vmId: string): Watched;
  };
  /** Whether the host has had a complete report before this one. */
  readonly isInitialized: (stamp: EvidenceStamp) => boolean;
  /** Takes the figures of any VM, and decides about it when that is due. Never throws. */
  readonly longWay: (vm: Vm | undefined, report: VmReport, stamp: EvidenceStamp) => void;
  readonly failed: (vmId: string, hostId: string, error: unknown) => void;
}

/** So many VMs on the fast path cost what one decision costs. */
const FAST_PER_STEP = 50;

/** Takes the figures of reports, of each VM by its way. Of each host it keeps its VMs' seats, in the order of its last answer. */
export class FastPath {
  readonly #o: FastPathOptions;
  readonly #seats = new Map<string, (Seat | undefined)[]>();

  constructor(options: FastPathOptions) {
    this.#o = options;
  }

  /** A step is one VM that goes the long way, or many that do not. */
  *take(vms: VmRepository, report: VmStatsReport, stamp: EvidenceStamp): Generator<void, void, void> {
    const { hosts, longWay } = this.#o;
    const all = report.all();
    const seats = this.#seatsOf(stamp.host, report);
    let host = hosts.get(stamp.host);
    let revision = vms.revisionOf(stamp.host);
    for (let i = 0; i < all.length; i++) {
      const vmReport = all[i] as VmReport;
      const seat = seats?.[i];
      if (seat !== undefined && isSeated(seat, vmReport, vms, revision) && this.#takeSeated(seat, host, stamp)) {
        if ((i + 1) % FAST_PER_STEP !== 0) continue;
      } else {
        longWay(vms.get(vmReport.vmId), vmReport, stamp);
        if (seats !== null) seats[i] = this.#seatOf(vms, vmReport, stamp);
      }
      yield;
      // Meanwhile anything may have happened.
      host = hosts.get(stamp.host);
      revision = vms.revisionOf(stamp.host);
    }
  }

  forgetHost(host: string): void {
    this.#seats.delete(host);
  }

  /** null: the reader has no memory, and no report object comes twice. */
  #seatsOf(host: string, report: VmStatsReport): (Seat | undefined)[] | null {
    const count = report.all().length;
    if (report.changed().length === count) {
      this.#seats.delete(host);
      return null;
    }
    let seats = this.#seats.get(host);
    if (seats === undefined) {
      seats = [];
      this.#seats.set(host, seats);
    }
    seats.length = count;
    return seats;
  }

  #takeSeated(seat: Seat, host: Vds | undefined, stamp: EvidenceStamp): boolean {
    if (host === undefined) return false;
    try {
      return this.#o.figures.takeSeated(seat, host, stamp);
    } catch (error) {
      this.#o.failed(seat.vm.id, stamp.host, error);
      return true;
    }
  }

  #seatOf(vms: VmRepository, report: VmReport, stamp: EvidenceStamp): Seat | undefined {
    const vm = vms.get(report.vmId);
    const columns = vms.columns(report.vmId);
    const row = report.statistics()?.row;
    const host = { id: stamp.host, isInitialized: this.#o.isInitialized(stamp) };
    if (vm === undefined || columns === undefined || row === undefined) return undefined;
    if (detourOf(vm, columns, report, host) !== null) return undefined;
    return {
      report,
      vm,
      columns,
      watched: this.#o.figures.watchedOf(vm.id),
      row,
      nics: columns.sampledNics,
      disks: columns.sampledDisks,
      revision: vms.revisionOf(stamp.host),
      // Whether these figures were taken is not known here; once more does no harm.
      version: -1,
      ballooning: false,
      quiet: false,
    };
  }
}
