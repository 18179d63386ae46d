import {
  type HostEndpoint,
  type ReportedVmDynamic,
  type VmJob,
  type VmReport,
  type VmStatisticsSample,
  type VmStatus,
  vmDynamicFields,
  vmStatusFromAgent,
} from '../../model/index.js';
import type { Reader } from './reader.js';
import { polledDynamic, pushedDynamic } from './vm-dynamic.js';
import { type GuestNic, guestNicsHash, guestNicsOf } from './vm-guest.js';
import { jobsOf } from './vm-jobs.js';
import { statisticsOf } from './vm-statistics.js';

const HASH_MAX = vmDynamicFields.hash.max;

export interface VmReportContext {
  readonly vmId: string;
  readonly host: HostEndpoint;
  readonly kind: 'poll' | 'push';
  /** Of a push: the stamp of the whole message. A poll has one per VM. */
  readonly timestamp?: number | null;
  /** A report of the same VM whose guest nics are known to be the same. */
  readonly sameNics?: VmReport | undefined;
}

/** One VM of an answer or a push. State is decoded at once, the measured part when it is asked for. */
class ParsedVmReport implements VmReport {
  readonly vmId: string;
  readonly vmName: string | null;
  readonly status: VmStatus;
  readonly timestamp: number | null;
  readonly dynamic: ReportedVmDynamic;
  readonly deviceHash: string | null;
  readonly tpmHash: string | null;
  readonly nvramHash: string | null;
  readonly figuresVersion = 0;
  readonly #vm: Reader;
  readonly #guestNics: readonly GuestNic[] | null;
  /** Polls of running VMs alone carry measurements and jobs. */
  readonly #measured: boolean;
  #statistics: VmStatisticsSample | null | undefined;
  #jobs: readonly Omit<VmJob, 'vmId'>[] | null | undefined;

  constructor(vm: Reader, status: VmStatus, context: VmReportContext) {
    const { host, kind } = context;
    const poll = kind === 'poll';
    const dynamic = poll ? polledDynamic : pushedDynamic;
    this.#vm = vm;
    this.#measured = poll && status !== 'Down';
    const { sameNics } = context;
    this.#guestNics = sameNics === undefined ? guestNicsOf(vm) : sameNics.guestInterfaces();
    const nics = this.#guestNics;
    const nicsHash = nics === null ? undefined : (sameNics?.dynamic.guestAgentNicsHash ?? guestNicsHash(nics));
    this.vmId = context.vmId;
    this.vmName = vm.text('vmName', 255) || null;
    this.status = status;
    this.timestamp = context.timestamp ?? vm.float('statusTime') ?? null;
    this.dynamic = dynamic(vm, status, nicsHash, host.address);
    this.deviceHash = vm.text('hash', HASH_MAX) || null;
    // A push never says anything of these two (monitoring-rules.md §4.1).
    this.tpmHash = poll ? vm.text('tpmHash', 255) || null : null;
    this.nvramHash = poll ? vm.text('nvramHash', 255) || null : null;
  }

  statistics(): VmStatisticsSample | null {
    this.#statistics ??= this.#measured ? statisticsOf(this.#vm) : null;
    return this.#statistics;
  }

  guestInterfaces(): readonly GuestNic[] | null {
    return this.#guestNics;
  }

  jobs(): readonly Omit<VmJob, 'vmId'>[] | null {
    if (this.#jobs === undefined) this.#jobs = this.#measured ? jobsOf(this.#vm) : null;
    return this.#jobs;
  }
}

/**
 * Undefined when the entry names no status: it tells that the VM is there and nothing else. Taking it as Down, as the
 * original does, would end a VM for a missing word.
 */
export function decodeVm(vm: Reader, context: VmReportContext): VmReport | undefined {
  const word = vm.text('status', 255);
  if (word === undefined || word === '') {
    vm.problem('status', 'missing: nothing is known of this VM but that it is there');
    return undefined;
  }
  return new ParsedVmReport(vm, vmStatusFromAgent(word, vm.int('monitorResponse') ?? 0), context);
}
