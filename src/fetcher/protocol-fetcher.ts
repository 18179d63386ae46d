import type { AgentMethod, AgentProtocol, DomainReport, HostEndpoint } from '../model/index.js';
import type { AgentParams, CallOptions, Fetcher, PushListener, PushSubscription } from './ports.js';

/** Gives each host to the fetcher of its protocol. */
export class ProtocolFetcher implements Fetcher {
  readonly #fetchers: Readonly<Record<AgentProtocol, Fetcher>>;
  /** By host id: where a host that changed its protocol still has a connection. */
  readonly #last = new Map<string, AgentProtocol>();

  constructor(fetchers: Readonly<Record<AgentProtocol, Fetcher>>) {
    this.#fetchers = fetchers;
  }

  call(host: HostEndpoint, method: AgentMethod, params: AgentParams, options: CallOptions): Promise<unknown> {
    return this.#of(host).call(host, method, params, options);
  }

  getStats(host: HostEndpoint, options: CallOptions): ReturnType<Fetcher['getStats']> {
    return this.#of(host).getStats(host, options);
  }

  getCapabilities(host: HostEndpoint, options: CallOptions): ReturnType<Fetcher['getCapabilities']> {
    return this.#of(host).getCapabilities(host, options);
  }

  getHardwareInfo(host: HostEndpoint, options: CallOptions): ReturnType<Fetcher['getHardwareInfo']> {
    return this.#of(host).getHardwareInfo(host, options);
  }

  getAllVmStats(host: HostEndpoint, options: CallOptions): ReturnType<Fetcher['getAllVmStats']> {
    return this.#of(host).getAllVmStats(host, options);
  }

  getVmList(host: HostEndpoint, options: CallOptions): ReturnType<Fetcher['getVmList']> {
    return this.#of(host).getVmList(host, options);
  }

  dumpXmls(
    host: HostEndpoint,
    vmIds: readonly string[],
    options: CallOptions,
  ): Promise<ReadonlyMap<string, DomainReport>> {
    return this.#of(host).dumpXmls(host, vmIds, options);
  }

  listen(host: HostEndpoint, listener: PushListener): PushSubscription | null {
    return this.#of(host).listen(host, listener);
  }

  release(hostId: string): void {
    this.#last.delete(hostId);
    for (const fetcher of Object.values(this.#fetchers)) fetcher.release(hostId);
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#fetchers).map((fetcher) => fetcher.close()));
  }

  #of({ id, protocol }: HostEndpoint): Fetcher {
    const last = this.#last.get(id);
    if (last !== protocol) {
      if (last !== undefined) this.#fetchers[last].release(id);
      this.#last.set(id, protocol);
    }
    return this.#fetchers[protocol];
  }
}
