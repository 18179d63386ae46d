import { spawn } from 'node:child_process';
import type { Scheduler, Telemetry, Timer } from '../../kernel/index.js';

export interface SystemdOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  /** Runs systemd-notify with these words. */
  readonly notify?: (words: readonly string[], failed: (error: Error) => void) => void;
}

/** Node has no datagram sockets of the Unix kind: systemd's own helper sends for us (NotifyAccess=all). */
function systemdNotify(words: readonly string[], failed: (error: Error) => void): void {
  const child = spawn('systemd-notify', [...words], { stdio: 'ignore' });
  child.on('error', failed);
  child.unref();
}

/**
 * Tells systemd how the service is doing, where it was started by it with Type=notify; else it does nothing. The
 * watchdog is fed by the event loop, at half its time: a loop that stands still feeds nobody.
 */
export class Systemd {
  readonly #o: SystemdOptions;
  readonly #watchdogMs: number;
  #timer: Timer | undefined;

  constructor(options: SystemdOptions) {
    this.#o = options;
    const micros = Number(options.env['WATCHDOG_USEC'] ?? 0);
    this.#watchdogMs = this.#isOn && Number.isFinite(micros) && micros > 0 ? micros / 2000 : 0;
  }

  get #isOn(): boolean {
    return (this.#o.env['NOTIFY_SOCKET'] ?? '') !== '';
  }

  ready(status: string): void {
    this.#send('READY=1', `STATUS=${status}`);
    this.#feed();
  }

  stopping(): void {
    this.#timer?.cancel();
    this.#send('STOPPING=1');
  }

  #feed(): void {
    if (this.#watchdogMs === 0) return;
    this.#timer = this.#o.scheduler.after(
      this.#watchdogMs,
      () => {
        this.#send('WATCHDOG=1');
        this.#feed();
      },
      'systemd',
    );
  }

  #send(...words: string[]): void {
    if (!this.#isOn) return;
    const { notify = systemdNotify, telemetry } = this.#o;
    notify(words, (error) => telemetry.log('warn', 'systemd could not be told', { error: error.message }));
  }
}
