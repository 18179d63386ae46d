import type { Clock } from '../kernel/index.js';
import type { VmCommands } from '../rules/index.js';

/** Commands for which a VM's own reports are what they wait for, so that judging goes on meanwhile. */
const awaited: ReadonlySet<string> = new Set(['start', 'run', 'migrate']);
const POWER_OFF_WINDOW_MS = 20_000;
/** A manager that crashed between begin and end must not keep a VM from being judged for ever. */
const WORK_SECONDS = 600;
/** A migration may take long; what its end of patience costs is that a failure is not tried elsewhere. */
const WAIT_SECONDS = 21_600;
/** No answer takes longer than this: what was asked before a command has come or never will. */
const LONGEST_ANSWER_MS = 3_600_000;

interface Running {
  count: number;
  /** Monotonic, as `until`. */
  readonly since: number;
  /** Monotonic. */
  until: number;
}

interface Entry {
  readonly running: Map<string, Running>;
  changedAt: number | null;
  destroyedAt: number | null;
  coldReboot: boolean;
  externalDataKept: boolean;
}

export interface CommandOptions {
  /** It counts as ended after this, whatever becomes of the manager. Default 600; of a start or migration 21,600. */
  readonly ttlSeconds?: number;
}

/** A command that is under way; times are ms since the epoch. */
export interface RunningCommand {
  readonly vmId: string;
  readonly command: string;
  /** How often it was begun and not ended. */
  readonly count: number;
  readonly since: number;
  /** It counts as ended at this time. */
  readonly endsAt: number;
}

const idle: VmCommands = {
  busy: false,
  changedAt: null,
  asyncRunning: false,
  coldReboot: false,
  inPowerOffWindow: false,
};

/**
 * What the manager is doing to VMs.
 *
 * Two kinds of commands. One *works on* the VM: reports are not judged until its end, and whatever was asked for before
 * its end never is, so that what it did is not undone by what was seen before. One *waits for* the VM (start, run,
 * migrate): reports are judged, since they are its result; that somebody waits decides who tries again when it fails. It
 * has its end when the VM has come to where it was to, or by `end`. A forced stop is the command "destroy": for 20 s after
 * its end the VM's absence is its work. All of it is lost with the process, as the manager's commands are; one that goes on
 * says so again.
 */
export class CommandBook {
  readonly #entries = new Map<string, Entry>();
  readonly #clock: Clock;
  readonly #onExpired: (vmId: string, command: string) => void;

  constructor(clock: Clock, onExpired: (vmId: string, command: string) => void = () => undefined) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The same command may begin several times; it goes on until the last of them ends. */
  begin(vmId: string, command: string, options: CommandOptions = {}): void {
    const entry = this.#entryOf(vmId);
    const seconds = options.ttlSeconds ?? (awaited.has(command) ? WAIT_SECONDS : WORK_SECONDS);
    const until = this.#clock.monotonic() + seconds * 1000;
    const known = entry.running.get(command);
    if (known === undefined) entry.running.set(command, { count: 1, since: this.#clock.monotonic(), until });
    else {
      known.count += 1;
      known.until = Math.max(known.until, until);
    }
  }

  end(vmId: string, command: string): void {
    const entry = this.#entries.get(vmId);
    if (entry === undefined) return;
    const known = entry.running.get(command);
    if (known !== undefined && known.count > 1) known.count -= 1;
    else entry.running.delete(command);
    // An awaited command changes nothing itself: what the agents report is its result.
    if (!awaited.has(command)) entry.changedAt = this.#clock.monotonic();
    if (command === 'destroy') entry.destroyedAt = this.#clock.monotonic();
  }

  /** What is known of the VM was said by the manager at this moment: what was asked for before does not undo it. */
  changed(vmId: string): void {
    this.#entryOf(vmId).changedAt = this.#clock.monotonic();
  }

  /** The waiting command has what it waited for. */
  settled(vmId: string): void {
    const entry = this.#entries.get(vmId);
    for (const command of awaited) entry?.running.delete(command);
  }

  /** The VM is to be started again, with its new configuration, when it next goes down. */
  expectColdReboot(vmId: string): void {
    this.#entryOf(vmId).coldReboot = true;
  }

  /** Whether TPM and NVRAM data of the VM could be saved; false keeps it from being judged down until they are. */
  noteExternalData(vmId: string, kept: boolean): void {
    this.#entryOf(vmId).externalDataKept = kept;
  }

  externalDataKept(vmId: string): boolean {
    return this.#entries.get(vmId)?.externalDataKept ?? true;
  }

  /** The cold reboot has been advised: it is pending no more. */
  coldRebootQueued(vmId: string): void {
    const entry = this.#entries.get(vmId);
    if (entry !== undefined) entry.coldReboot = false;
  }

  of(vmId: string): VmCommands {
    const entry = this.#entries.get(vmId);
    if (entry === undefined) return idle;
    const now = this.#clock.monotonic();
    this.#expire(vmId, entry, now);
    if (isOver(entry, now)) {
      this.#entries.delete(vmId);
      return idle;
    }
    let busy = false;
    let asyncRunning = false;
    for (const command of entry.running.keys()) {
      if (awaited.has(command)) asyncRunning = true;
      else busy = true;
    }
    const { destroyedAt } = entry;
    return {
      busy,
      asyncRunning,
      changedAt: entry.changedAt,
      coldReboot: entry.coldReboot,
      inPowerOffWindow: destroyedAt !== null && now - destroyedAt <= POWER_OFF_WINDOW_MS,
    };
  }

  /** All that are under way. */
  list(): RunningCommand[] {
    const now = this.#clock.monotonic();
    const epoch = this.#clock.now() - now;
    const list: RunningCommand[] = [];
    for (const [vmId, entry] of this.#entries) {
      this.#expire(vmId, entry, now);
      for (const [command, { count, since, until }] of entry.running) {
        list.push({ vmId, command, count, since: epoch + since, endsAt: epoch + until });
      }
    }
    return list;
  }

  forget(vmId: string): void {
    this.#entries.delete(vmId);
  }

  /** As if it had ended at that time: nobody knows what it had done by then. */
  #expire(vmId: string, entry: Entry, now: number): void {
    for (const [command, { until }] of entry.running) {
      if (until > now) continue;
      entry.running.delete(command);
      if (!awaited.has(command)) entry.changedAt = Math.max(entry.changedAt ?? until, until);
      this.#onExpired(vmId, command);
    }
  }

  #entryOf(vmId: string): Entry {
    let entry = this.#entries.get(vmId);
    if (entry === undefined) {
      entry = { running: new Map(), changedAt: null, destroyedAt: null, coldReboot: false, externalDataKept: true };
      this.#entries.set(vmId, entry);
    }
    return entry;
  }
}

/** Whether nothing that is remembered of the VM can matter any more. */
function isOver({ running, changedAt, destroyedAt, coldReboot, externalDataKept }: Entry, now: number): boolean {
  if (running.size > 0 || coldReboot || !externalDataKept) return false;
  const last = Math.max(changedAt ?? Number.NEGATIVE_INFINITY, destroyedAt ?? Number.NEGATIVE_INFINITY);
  return now - last > LONGEST_ANSWER_MS;
}
