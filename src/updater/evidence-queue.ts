import type { Evidence } from '../events/index.js';
import type { Clock, Scheduler, Span, Telemetry, Tracer } from '../kernel/index.js';

/** Long work comes as steps, so that other hosts and the event loop get their turn between them. */
export type Steps = Iterator<void, void, void> | undefined;

export interface EvidenceQueueOptions {
  /** Applies one piece of evidence. An error of one VM is that VM's alone; one that gets out costs the rest of this piece. */
  apply: (evidence: Evidence) => Steps;
  clock: Clock;
  scheduler: Scheduler;
  telemetry: Telemetry;
  /** Steps and pieces of evidence between two turns of the event loop. */
  sliceSize: number;
}

interface HostQueue {
  readonly items: Evidence[];
  /** The item at the head that is under way … */
  steps: Steps;
  /** … and the time it has taken, ms. */
  tookMs: number;
  span: Span | undefined;
}

/**
 * Brings evidence to the updaters: strictly in order for one host, hosts in turn, in slices.
 *
 * Modes: *idle* – nothing waits, evidence is applied inside `push`, and takes no place in the ring unless there is more of
 * it to do; *draining* – hosts with work stand in a ring and each gets one step in turn; a used-up slice is followed by a
 * turn of the event loop. What waits is bounded by the callers:
 * the planner asks no host again that `isBusy`, and of pushes no more are handed on than `waitingOf` allows.
 */
export class EvidenceQueue {
  readonly #options: EvidenceQueueOptions;
  readonly #hosts = new Map<string, HostQueue>();
  /** What evidence that waits is a part of; there is none unless somebody traces. */
  #parents: WeakMap<Evidence, Span> | undefined;
  #draining = false;
  /** The host whose evidence is applied at this moment without a place in the ring. */
  #atOnce: string | null = null;
  #left: number;
  #idle: (() => void)[] = [];

  constructor(options: EvidenceQueueOptions) {
    this.#options = options;
    this.#left = options.sliceSize;
  }

  push(evidence: Evidence): void {
    const parent = this.#options.telemetry.tracer?.active;
    if (parent !== undefined) {
      this.#parents ??= new WeakMap();
      this.#parents.set(evidence, parent);
    }
    if (!this.#draining && this.#hosts.size === 0 && this.#left > 0 && parent === undefined) {
      this.#applyAtOnce(evidence);
      return;
    }
    const queue = this.#hosts.get(evidence.host);
    if (queue === undefined)
      this.#hosts.set(evidence.host, { items: [evidence], steps: undefined, tookMs: 0, span: undefined });
    else queue.items.push(evidence);
    if (!this.#draining) this.#drain();
  }

  /** Whether evidence of the host still waits to be applied. */
  isBusy(host: string): boolean {
    return this.#hosts.has(host) || this.#atOnce === host;
  }

  waitingOf(host: string): number {
    return this.#hosts.get(host)?.items.length ?? 0;
  }

  get waiting(): number {
    let n = 0;
    for (const queue of this.#hosts.values()) n += queue.items.length;
    return n;
  }

  /** Resolves when nothing waits. */
  whenIdle(): Promise<void> {
    if (!this.#draining && this.#hosts.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Drops what waits for a host that is gone. */
  forget(host: string): void {
    this.#hosts.delete(host);
    if (this.#atOnce === host) this.#atOnce = null;
  }

  /**
   * Most evidence is one step and comes while nothing waits. In a ring it would be put in and taken out at once, and the
   * tables that such a map leaves behind live until the next full collection (docs/adr/0018).
   */
  #applyAtOnce(evidence: Evidence): void {
    const { host } = evidence;
    const queue: HostQueue = { items: [evidence], steps: undefined, tookMs: 0, span: undefined };
    this.#draining = true;
    this.#atOnce = host;
    this.#left -= 1;
    this.#work(host, queue);
    const isForgotten = this.#atOnce !== host;
    this.#atOnce = null;
    const later = this.#hosts.get(host);
    if (isForgotten) queue.steps = undefined;
    if (queue.steps !== undefined || later !== undefined) {
      // What the host has said meanwhile comes after it, and after one step of each other host.
      if (later !== undefined) queue.items.push(...later.items);
      this.#hosts.delete(host);
      this.#hosts.set(host, queue);
    }
    this.#drain();
  }

  #drain(): void {
    this.#draining = true;
    while (this.#hosts.size > 0) {
      for (const [host, queue] of this.#hosts) {
        if (this.#left <= 0) {
          this.#continueLater();
          return;
        }
        this.#left -= 1;
        this.#step(host, queue);
      }
    }
    this.#draining = false;
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
    this.#left = this.#options.sliceSize;
  }

  #step(host: string, queue: HostQueue): void {
    this.#work(host, queue);
    // The host may have been forgotten, and begun anew, meanwhile.
    if (this.#hosts.get(host) !== queue) return;
    const done = queue.steps === undefined && queue.items.length === 0;
    if (!done && this.#hosts.size === 1) return;
    this.#hosts.delete(host);
    if (!done) this.#hosts.set(host, queue);
  }

  #work(host: string, queue: HostQueue): void {
    const { clock, telemetry } = this.#options;
    const began = clock.monotonic();
    try {
      if (telemetry.tracer === undefined) this.#proceed(queue);
      else this.#traced(telemetry.tracer, queue);
    } catch (error) {
      queue.steps = undefined;
      queue.span?.end(error);
      queue.span = undefined;
      telemetry.count('vurti_rule_errors_total');
      telemetry.log('error', 'evidence could not be applied', { host, error: String(error) });
    }
    queue.tookMs += clock.monotonic() - began;
    if (queue.steps === undefined) {
      telemetry.observe('vurti_step_seconds', queue.tookMs / 1000, { step: 'rules' });
      queue.tookMs = 0;
      queue.span?.end();
      queue.span = undefined;
    }
  }

  /** Begins the next piece, or does a step of the one under way. */
  #proceed(queue: HostQueue): void {
    if (queue.steps === undefined) {
      const evidence = queue.items.shift();
      if (evidence !== undefined) queue.steps = this.#options.apply(evidence);
    } else if (queue.steps.next().done === true) {
      queue.steps = undefined;
    }
  }

  #traced(tracer: Tracer, queue: HostQueue): void {
    const [next] = queue.items;
    if (queue.span === undefined && next !== undefined) {
      const fields = { evidence: next.name, host: next.host };
      queue.span = this.#parents?.get(next)?.child('rules', fields) ?? tracer.start('rules', fields);
    }
    if (queue.span === undefined) this.#proceed(queue);
    else queue.span.within(() => this.#proceed(queue));
  }

  #continueLater(): void {
    this.#options.telemetry.count('vurti_updater_slices_total');
    this.#options.scheduler.yield().then(
      () => {
        this.#left = this.#options.sliceSize;
        this.#drain();
      },
      (error: unknown) => this.#options.telemetry.log('error', 'evidence queue stopped', { error: String(error) }),
    );
  }
}
