import type { Evidence, Streams } from '../events/index.js';
import type { Clock, Scheduler, Telemetry } from '../kernel/index.js';
import { EvidenceQueue, type Steps } from './evidence-queue.js';
import type { VdsUpdater } from './vds-updater.js';
import type { VmUpdater } from './vm-updater.js';

export interface PipelineOptions {
  readonly streams: Streams;
  readonly vds: VdsUpdater;
  readonly vms: VmUpdater;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly sliceSize?: number;
}

/** Subscribes the updaters to the evidence, one subscription for all hosts, and keeps each host's order. */
export class UpdaterPipeline {
  readonly #o: PipelineOptions;
  readonly #queue: EvidenceQueue;
  #unsubscribe: (() => void) | undefined;

  constructor(options: PipelineOptions) {
    this.#o = options;
    this.#queue = new EvidenceQueue({
      apply: (evidence) => this.#apply(evidence),
      clock: options.clock,
      scheduler: options.scheduler,
      telemetry: options.telemetry,
      sliceSize: options.sliceSize ?? 500,
    });
  }

  start(): void {
    this.#o.vds.start();
    const subscription = this.#o.streams.evidence.stream$.subscribe((evidence) => this.#queue.push(evidence));
    this.#unsubscribe = () => subscription.unsubscribe();
  }

  /** What was received is applied to its end. */
  async stop(): Promise<void> {
    this.#unsubscribe?.();
    await this.#queue.whenIdle();
    this.#o.vds.stop();
  }

  /** Whether evidence of the host still waits: the planner does not ask it again before. */
  isSettling(hostId: string): boolean {
    return this.#queue.isBusy(hostId);
  }

  /** Pieces of evidence of the host that wait to be applied. */
  waitingOf(hostId: string): number {
    return this.#queue.waitingOf(hostId);
  }

  /** Pieces of evidence of all hosts that wait. */
  get waiting(): number {
    return this.#queue.waiting;
  }

  whenIdle(): Promise<void> {
    return this.#queue.whenIdle();
  }

  forgetHost(hostId: string): void {
    this.#queue.forget(hostId);
    this.#o.vds.forgetHost(hostId);
    this.#o.vms.forgetHost(hostId);
  }

  #apply(evidence: Evidence): Steps {
    this.#o.telemetry.count('vurti_evidence_total', 1, { name: evidence.name });
    switch (evidence.name) {
      case 'VmStatsReceived':
        this.#o.vds.onVmStats(evidence);
        return this.#o.vms.onStats(evidence);
      case 'VmStatsFailed':
        this.#o.vds.onVmStatsFailed(evidence);
        return undefined;
      case 'VmStateChanged':
        return this.#o.vms.onStateChanged(evidence);
      case 'VmDisappeared':
        return this.#o.vms.onDisappeared(evidence);
      case 'VdsPushed':
        this.#o.vds.onPushed(evidence);
        this.#o.vms.onPushed(evidence);
        return undefined;
      case 'VdsConnected':
        this.#o.vms.onConnected(evidence.host);
        this.#o.vds.on(evidence);
        return undefined;
      case 'VmDevicesReceived':
        return this.#o.vms.onDevices(evidence);
      default:
        this.#o.vds.on(evidence);
        return undefined;
    }
  }
}
