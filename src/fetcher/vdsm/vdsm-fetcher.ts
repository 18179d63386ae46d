import {
  type Clock,
  type Ids,
  type Random,
  type Scheduler,
  silentTelemetry,
  type Telemetry,
  VurtiError,
} from '../../kernel/index.js';
import {
  type AgentMethod,
  type AgentSettings,
  defaultSettings,
  type HostEndpoint,
  observerMethods,
} from '../../model/index.js';
import { agentError } from '../agent-errors.js';
import { AgentFetcher, type AgentQuestion } from '../agent-fetcher.js';
import type { PushListener, PushSubscription } from '../ports.js';
import { Rooms } from '../rooms.js';
import { HostLink, type LinkCore } from './host-link.js';
import { networkSockets, type Sockets } from './sockets.js';

export interface VdsmFetcherOptions {
  readonly ids: Ids;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly telemetry?: Telemetry;
  /** Methods that may be sent. Default: those of an observer. */
  readonly allowed?: ReadonlySet<AgentMethod>;
  /** Limits of a host: maxAnswerMiB of one frame, maxInFlight requests. Default: the product's. */
  readonly limitsOf?: (host: HostEndpoint) => AgentSettings;
  /** Default: the network. */
  readonly sockets?: Sockets;
}

/**
 * Asks VDSM: JSON-RPC in STOMP frames over TLS, and hears what it pushes, over one connection per host
 * (vdsm-protocol.md). A guest beside the engine: own reply destination, own ids, few requests at a time.
 */
export class VdsmFetcher extends AgentFetcher {
  readonly #core: LinkCore;
  readonly #links = new Map<string, HostLink>();
  #closed = false;

  constructor(options: VdsmFetcherOptions) {
    super(options.allowed ?? observerMethods, options.telemetry);
    const { ids, clock, scheduler, random } = options;
    this.#core = {
      ...{ ids, clock, scheduler, random },
      telemetry: options.telemetry ?? silentTelemetry,
      limitsOf: options.limitsOf ?? (() => defaultSettings.agents),
      sockets: options.sockets ?? networkSockets,
      rooms: new Rooms(),
    };
  }

  override listen(host: HostEndpoint, listener: PushListener): PushSubscription {
    if (this.#closed) return { close: () => undefined };
    return this.#linkOf(host).listen(listener);
  }

  override release(hostId: string): void {
    super.release(hostId);
    const link = this.#links.get(hostId);
    this.#links.delete(hostId);
    link?.release(new VurtiError('AGENT_ABORTED', `The connection to ${hostId} was given up`));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const hostId of [...this.#links.keys()]) this.release(hostId);
  }

  protected async ask(question: AgentQuestion): Promise<unknown> {
    if (this.#closed) throw agentError('AGENT_ABORTED', question, 'is not asked any more: the fetcher was closed');
    return this.#linkOf(question.host).ask(question);
  }

  protected override recycle(bytes: Buffer): void {
    this.#core.rooms.giveBack(bytes);
  }

  #linkOf(host: HostEndpoint): HostLink {
    const known = this.#links.get(host.id);
    if (known !== undefined) {
      known.retarget(host);
      return known;
    }
    const link = new HostLink(this.#core, host);
    this.#links.set(host.id, link);
    return link;
  }
}
