import type { Fleet, SimulatedEndpoint } from '../../src/simulator/index.js';
import { Child, serve } from './child.js';
import { PreparedFleet } from './prepared-fleet.js';
import { startScrapedFleet } from './scraped-fleet.js';

/** The fleet to be polled, in a process of its own. */
export interface FleetOrder {
  readonly hosts: number;
  readonly vms: number;
  /** The agents' figures are new in each of these. */
  readonly sampleMs: number;
  /** Serve /metrics, too, of so many VMs per host. */
  readonly scraped?: number;
}

export interface FleetReady {
  readonly endpoints: readonly SimulatedEndpoint[];
  readonly vms: readonly { readonly id: string; readonly name: string; readonly cluster: string }[];
  /** One host's answer to Host.getAllVmStats. */
  readonly body: string;
  /** Where /metrics/HOST is. */
  readonly scrapePort?: number;
}

export type FleetProcess = Child<FleetOrder, FleetReady>;

export const startFleet = (file: string): FleetProcess => new Child(file, 'fleet');

export function serveFleet(): void {
  let prepared: PreparedFleet | undefined;
  serve<FleetOrder>(
    async ({ hosts, vms, sampleMs, scraped }) => {
      const scrapePort = scraped === undefined ? undefined : (await startScrapedFleet(scraped)).port;
      prepared = await PreparedFleet.start({ hosts, vms, sampleMs });
      const endpoints = prepared.endpoints();
      const { fleet } = prepared;
      return {
        endpoints,
        vms: fleet.vms().map(({ id, name, cluster }) => ({ id, name, cluster })),
        body: bodyOf(fleet, endpoints[0]?.id ?? ''),
        ...(scrapePort === undefined ? {} : { scrapePort }),
      } satisfies FleetReady;
    },
    async () => prepared?.stop(),
  );
}

/** The id of the request that such an answer is to. */
export const ANSWER_ID = '6f0c9d5e-0000-4000-8000-000000000000';

/** The whole answer as it goes over the wire. */
export function bodyOf(fleet: Fleet, host: string): string {
  const answer = fleet.host(host).ask('Host.getAllVmStats', {});
  if ('error' in answer) throw new Error(answer.error.message);
  return `{"jsonrpc":"2.0","id":"${ANSWER_ID}","result":${answer.result}}`;
}
