import type { Clock } from '../kernel/index.js';
import type { VmCommands } from '../rules/index.js';

/** Commands for which a VM's own reports are what they wait for, so that judging goes on meanwhile. */
const awaited: ReadonlySet<string> = new Set(['start', 'run', 'migrate']);
const POWER_OFF_WINDOW_MS = 20_000;

interface Entry {
  readonly running: Map<string, number>;
  changedAt: number | null;
  destroyedAt: number | null;
  coldReboot: boolean;
  externalDataKept: boolean;
}

const idle: VmCommands = {
  busy: false,
  changedAt: null,
  asyncRunning: false,
  coldReboot: false,
  inPowerOffWindow: false,
};

/**
 * What the manager is doing to VMs. A report that was asked for before a command ended must not undo what the command did:
 * the book remembers when that was, until the VM is forgotten.
 */
export class CommandBook {
  readonly #entries = new Map<string, Entry>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(vmId: string, command: string): void {
    const entry = this.#entryOf(vmId);
    entry.running.set(command, (entry.running.get(command) ?? 0) + 1);
  }

  end(vmId: string, command: string): void {
    const entry = this.#entries.get(vmId);
    if (entry === undefined) return;
    const left = (entry.running.get(command) ?? 1) - 1;
    if (left > 0) entry.running.set(command, left);
    else entry.running.delete(command);
    // An awaited command changes nothing itself: what the agents report is its result.
    if (!awaited.has(command)) entry.changedAt = this.#clock.monotonic();
    if (command === 'destroy') entry.destroyedAt = this.#clock.monotonic();
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
      inPowerOffWindow: destroyedAt !== null && this.#clock.monotonic() - destroyedAt <= POWER_OFF_WINDOW_MS,
    };
  }

  forget(vmId: string): void {
    this.#entries.delete(vmId);
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
