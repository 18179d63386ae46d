import { type Scheduler, VurtiError } from '../kernel/index.js';
import type { HostEndpoint } from '../model/index.js';
import type { Fleet } from './fleet.js';
import { HttpAgent } from './http-agent.js';

/** Where the agents listen. */
export type Bind =
  /** One port per host on one address: `firstPort`, the next one … Default 127.0.0.1; firstPort 0 = any free ones. */
  | { readonly kind: 'ports'; readonly firstPort: number; readonly address?: string }
  /** One port on many loopback addresses: 127.0.1.1, the next one … (Linux answers on all of 127/8 by itself). */
  | { readonly kind: 'addresses'; readonly port: number; readonly firstAddress?: string };

export interface SimulatorServerOptions {
  readonly fleet: Fleet;
  readonly scheduler: Scheduler;
  /** Default: any free ports on 127.0.0.1. */
  readonly bind?: Bind;
  /** Most VMs in one answer of Host.getAllVmStats: a longer list comes in pages. Default: no limit. */
  readonly maxPage?: number;
  /** Told of what goes wrong with the sockets after the start. */
  readonly onProblem?: (message: string) => void;
}

/** An agent that can be asked: a host of an inventory. */
export type SimulatedEndpoint = HostEndpoint & { readonly cluster: string };

/** Puts a fleet on the wire: one HTTP agent per host. While it serves, the fleet lives by itself. */
export class SimulatorServer {
  readonly #fleet: Fleet;
  readonly #agents: readonly { readonly id: string; readonly address: string; readonly agent: HttpAgent }[];
  #unsubscribe: (() => void) | null = null;

  constructor(options: SimulatorServerOptions) {
    const { fleet, scheduler, maxPage } = options;
    if (maxPage !== undefined && (!Number.isSafeInteger(maxPage) || maxPage < 1)) {
      throw new VurtiError('BAD_ARGUMENT', `maxPage is ${maxPage}, not a positive integer`);
    }
    const bind = options.bind ?? { kind: 'ports', firstPort: 0 };
    this.#fleet = fleet;
    this.#agents = fleet.hosts().map(({ id, name }, index) => {
      const host = fleet.host(id);
      const place = placeOf(bind, index);
      const agent = new HttpAgent({
        scheduler,
        name,
        ...place,
        ask: (method, params) => host.ask(method, params, maxPage),
        condition: () => host.condition,
        onProblem: options.onProblem ?? (() => undefined),
      });
      return { id, address: place.address, agent };
    });
  }

  /** @throws LISTEN_FAILED; then none of them listens. */
  async start(): Promise<void> {
    const started = await Promise.allSettled(this.#agents.map(({ agent }) => agent.start()));
    const failed = started.find((result) => result.status === 'rejected');
    if (failed !== undefined) {
      await this.stop();
      throw failed.reason;
    }
    const byId = new Map(this.#agents.map(({ id, agent }) => [id, agent]));
    this.#unsubscribe = this.#fleet.onCondition((id, now, before) => byId.get(id)?.apply(now, before));
    this.#fleet.start();
  }

  /** Closes all ports and connections; nothing is left. Safe to call twice. */
  async stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    this.#fleet.stop();
    await Promise.all(this.#agents.map(({ agent }) => agent.stop()));
  }

  /** Where each host is reached; ports are known after the start. */
  endpoints(): SimulatedEndpoint[] {
    const hosts = this.#fleet.hosts();
    return this.#agents.map(({ id, address, agent }, index) => ({
      id,
      name: hosts[index]?.name ?? id,
      address,
      port: agent.port,
      protocol: 'http',
      tls: null,
      cluster: hosts[index]?.cluster ?? 'Default',
    }));
  }
}

function placeOf(bind: Bind, index: number): { address: string; port: number } {
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
