import type { HostEndpoint } from '../../model/index.js';
import { agentError } from '../agent-errors.js';
import { decodePush } from '../decode/push.js';
import { parseJson } from '../json.js';
import type { AgentSession, PushListener, PushSubscription } from '../ports.js';
import { type FakeVm, statusWord, vmPayload } from './fake-vm.js';

/** A message as the agent sends it. Without notify_time it bears the agent's present time. */
export interface FakePush {
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

const noTls: AgentSession = { agentCertificateExpiresAt: null, clientCertificateExpiresAt: null };

/** What a pushed status says beside the status, as VDSM does it (vdsm-protocol.md §5.3). */
const told: Partial<Record<string, readonly string[]>> = {
  Paused: ['pauseCode'],
  Down: ['vmId', 'exitCode', 'exitMessage', 'exitReason'],
};

/** The wire form of a VM's new state: the few fields that VDSM puts into an event. */
export function statusOf(vmId: string, vm: FakeVm): Record<string, unknown> {
  const payload = vmPayload(vmId, vm, '', { seconds: 0, now: 0 });
  const event: Record<string, unknown> = { status: statusWord(vm.status ?? 'Up') };
  for (const name of told[String(event['status'])] ?? []) {
    // A bare pause has no code, and neither has the one that VDSM would call NOERR.
    if (payload[name] !== undefined && payload[name] !== 'NOERR') event[name] = payload[name];
  }
  return event;
}

/**
 * The pushing side of a fake agent. Its connection is
 *   quiet  it was not told to push: no connection yet, the first push opens it
 *   open
 *   cut    what is pushed is lost, as with real agents, until it is opened again
 * The last who listens is heard; one before him is a process that died.
 */
export class FakePushes {
  session: AgentSession = noTls;
  readonly #eventClock: () => number;
  #mode: 'quiet' | 'open' | 'cut';
  #heard: { readonly host: HostEndpoint; readonly listener: PushListener; connected: boolean } | null = null;

  /** `open`: pushes from the beginning, as a real agent does. */
  constructor(open: boolean, eventClock: () => number) {
    this.#mode = open ? 'open' : 'quiet';
    this.#eventClock = eventClock;
  }

  listen(host: HostEndpoint, listener: PushListener): PushSubscription {
    const heard = { host, listener, connected: false };
    this.#heard = heard;
    // A connection takes its time; nobody is called back while he asks.
    queueMicrotask(() => {
      if (this.#heard === heard && this.isOpen) this.#connect();
    });
    return {
      close: () => {
        if (this.#heard === heard) this.#heard = null;
      },
    };
  }

  push({ method, params }: FakePush): void {
    if (this.#mode === 'cut') return;
    this.open();
    const heard = this.#heard;
    if (heard === null) return;
    const message = { method, params: { notify_time: this.#eventClock(), ...params } };
    // As bytes, so that it is read as what comes from a wire.
    const read = parseJson(Buffer.from(JSON.stringify(message))) as { method: unknown; params: unknown };
    const push = decodePush(heard.host, read.method, read.params);
    if (push !== null) heard.listener.pushed(push);
  }

  get isOpen(): boolean {
    return this.#mode === 'open';
  }

  open(): void {
    this.#mode = 'open';
    this.#connect();
  }

  cut(): void {
    this.#mode = 'cut';
    const heard = this.#heard;
    if (heard === null || !heard.connected) return;
    heard.connected = false;
    const ask = { host: heard.host, method: 'events' };
    heard.listener.lost(agentError('AGENT_UNREACHABLE', ask, 'closed the connection (ECONNRESET)'));
  }

  #connect(): void {
    const heard = this.#heard;
    if (heard === null || heard.connected) return;
    heard.connected = true;
    heard.listener.connected(this.session);
  }
}
