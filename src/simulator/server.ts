import { type Clock, RealTime, type Scheduler, VurtiError } from '../kernel/index.js';
import type { AgentProtocol, AgentTls, HostEndpoint } from '../model/index.js';
import type { Fleet, HostFacts } from './fleet.js';
import { HttpAgent } from './http-agent.js';
import type { WireFigures } from './stomp/figures.js';
import type { Frame } from './stomp/frames.js';
import { LabCa } from './stomp/lab-ca.js';
import { StompAgent } from './stomp/stomp-agent.js';
import type { WireAgent } from './wire-agent.js';

/** Where the agents listen. */
export type Bind =
  /** One port per host on one address: `firstPort`, the next one … Default 127.0.0.1; firstPort 0 = any free ones. */
  | { readonly kind: 'ports'; readonly firstPort: number; readonly address?: string }
  /** One port on many loopback addresses: 127.0.1.1, the next one … (Linux answers on all of 127/8 by itself). */
  | { readonly kind: 'addresses'; readonly port: number; readonly firstAddress?: string };

/** A frame that a client sent to a host's agent. */
export interface ClientFrame {
  /** Name of the host. */
  readonly host: string;
  /** Of the host's connections the n-th. */
  readonly connection: number;
  readonly command: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export interface SimulatorServerOptions {
  readonly fleet: Fleet;
  readonly time: Clock & Scheduler;
  /** What the agents speak: VDSM's own protocol, or that of docs/http-agent.md. Default `http`. */
  readonly protocol?: AgentProtocol;
  /** VDSM's protocol alone: TLS with an authority of its own, made for this run; clients must show its certificate. */
  readonly tls?: boolean;
  /** Default: any free ports on 127.0.0.1. */
  readonly bind?: Bind;
  /** Most VMs in one answer of Host.getAllVmStats: a longer list comes in pages. Default: no limit. */
  readonly maxPage?: number;
  /** Sees every frame that comes by VDSM's protocol. */
  readonly onFrame?: (frame: ClientFrame) => void;
  /** Told of what goes wrong with the sockets after the start. */
  readonly onProblem?: (message: string) => void;
}

/** An agent that can be asked: a host of an inventory. */
export type SimulatedEndpoint = HostEndpoint & { readonly cluster: string };

interface Served {
  readonly facts: HostFacts;
  readonly address: string;
  readonly agent: WireAgent;
}

/** Puts a fleet on the wire: one agent per host. While it serves, the fleet lives by itself. */
export class SimulatorServer {
  readonly #options: SimulatorServerOptions;
  readonly #served: readonly Served[];
  /** Of the client for whom the fleet is meant. */
  readonly #tls: AgentTls | null = null;
  readonly #ca: LabCa | null = null;
  #unsubscribe: (() => void) | null = null;

  constructor(options: SimulatorServerOptions) {
    const { fleet, maxPage, tls = false, protocol = 'http', bind = { kind: 'ports', firstPort: 0 } } = options;
    if (maxPage !== undefined && (!Number.isSafeInteger(maxPage) || maxPage < 1)) {
      throw new VurtiError('BAD_ARGUMENT', `maxPage is ${maxPage}, not a positive integer`);
    }
    if (tls && protocol === 'http') throw new VurtiError('BAD_ARGUMENT', 'Simulated HTTP agents speak no TLS');
    this.#options = options;
    if (tls) {
      // A peer looks at its machine's clock when it judges a certificate, whatever the time in the world is.
      this.#ca = new LabCa(new RealTime().now());
      this.#tls = { ca: this.#ca.cert, ...this.#ca.client('vurti'), checkHostName: false };
    }
    this.#served = fleet.hosts().map((facts, index) => {
      const place = placeOf(bind, index);
      const agent = protocol === 'http' ? this.#httpAgent(facts, place) : this.#stompAgent(facts, place);
      return { facts, address: place.address, agent };
    });
  }

  /** @throws LISTEN_FAILED; then none of them listens. */
  async start(): Promise<void> {
    const started = await Promise.allSettled(this.#served.map(({ agent }) => agent.start()));
    const failed = started.find((result) => result.status === 'rejected');
    if (failed !== undefined) {
      await this.stop();
      throw failed.reason;
    }
    const { fleet } = this.#options;
    const byId = new Map(this.#served.map(({ facts, agent }) => [facts.id, agent]));
    const ends = [
      fleet.onCondition((id, now, before) => byId.get(id)?.apply(now, before)),
      fleet.onDisturbance((id, disturbance) => byId.get(id)?.disturb(disturbance)),
    ];
    for (const { facts, agent } of this.#served) {
      if (agent instanceof StompAgent) ends.push(fleet.onNotification(facts.id, (message) => agent.notify(message)));
    }
    this.#unsubscribe = () => {
      for (const end of ends) end();
    };
    fleet.start();
  }

  /** Closes all ports and connections; nothing is left. Safe to call twice. */
  async stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    this.#options.fleet.stop();
    await Promise.all(this.#served.map(({ agent }) => agent.stop()));
  }

  /** Where each host is reached; ports are known after the start. */
  endpoints(): SimulatedEndpoint[] {
    const { protocol = 'http' } = this.#options;
    return this.#served.map(({ facts: { id, name, cluster }, address, agent }) => ({
      ...{ id, name, address, port: agent.port, protocol, tls: this.#tls, cluster },
    }));
  }

  /** A further client's certificate and key (TLS), PEM: as an engine has its own. */
  clientTls(commonName: string): AgentTls | null {
    return this.#ca === null ? null : { ca: this.#ca.cert, ...this.#ca.client(commonName), checkHostName: false };
  }

  /** What a host's agent has seen on its wire; null for HTTP. By name or id. */
  wire(host: string): WireFigures | null {
    const { id } = this.#options.fleet.host(host);
    const agent = this.#served.find(({ facts }) => facts.id === id)?.agent;
    return agent instanceof StompAgent ? agent.figures : null;
  }

  #httpAgent({ id, name }: HostFacts, place: Place): HttpAgent {
    const { fleet, time, maxPage } = this.#options;
    const host = fleet.host(id);
    return new HttpAgent({
      ...{ scheduler: time, name, ...place },
      ask: (method, params) => host.ask(method, params, maxPage),
      condition: () => host.condition,
      onProblem: this.#options.onProblem ?? (() => undefined),
    });
  }

  #stompAgent({ id, name }: HostFacts, place: Place): StompAgent {
    const { fleet, time, onFrame } = this.#options;
    const host = fleet.host(id);
    const ca = this.#ca;
    const known = { name, address: place.address };
    return new StompAgent({
      ...{ clock: time, scheduler: time, ...place, name },
      tls: ca === null ? null : { ca: ca.cert, own: ca.agent(known), expired: ca.agent(known, true) },
      ask: (method, params) => host.ask(method, params),
      condition: () => host.condition,
      duration: (method) => host.duration(method),
      mortal: () => host.mortal,
      onFrame: (connection, { command, headers, body }: Frame) =>
        onFrame?.({ host: name, connection, command, headers, body: body.toString('utf8') }),
      onProblem: this.#options.onProblem ?? (() => undefined),
    });
  }
}

interface Place {
  readonly address: string;
  readonly port: number;
}

function placeOf(bind: Bind, index: number): Place {
  if (bind.kind === 'ports') {
    const port = bind.firstPort === 0 ? 0 : bind.firstPort + index;
    if (!Number.isSafeInteger(port) || port < 0 || port > 65_535) {
      throw new VurtiError('BAD_ARGUMENT', `There is no port ${port} for host ${index + 1}: begin lower`);
    }
    return { address: bind.address ?? '127.0.0.1', port };
  }
  return { address: loopback(bind.firstAddress ?? '127.0.1.1', index), port: bind.port };
}

/** The n-th address after `first` in 127/8, those that end in 0 or 255 left out. */
function loopback(first: string, n: number): string {
  const parts = first.split('.').map(Number);
  const [net, b = 0, c = 0, d = 0] = parts;
  const valid =
    parts.length === 4 && net === 127 && parts.every((part) => Number.isInteger(part) && part >= 0 && part < 256);
  if (!valid || d === 0 || d === 255)
    throw new VurtiError('BAD_ARGUMENT', `${first} is no loopback address to begin with`);
  const place = (b * 256 + c) * 254 + (d - 1) + n;
  const block = Math.floor(place / 254);
  if (block > 65_535) throw new VurtiError('BAD_ARGUMENT', `127/8 has no room for host ${n + 1}: begin lower`);
  return `127.${block >> 8}.${block & 255}.${(place % 254) + 1}`;
}
