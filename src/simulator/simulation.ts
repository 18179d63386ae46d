import { type Clock, RealTime, type Scheduler } from '../kernel/index.js';
import { Fleet, type FleetOptions } from './fleet.js';
import type { Happening } from './happening.js';
import { type SimulatedEndpoint, SimulatorServer, type SimulatorServerOptions } from './server.js';
import type { WireFigures } from './stomp/figures.js';

export interface SimulationOptions
  extends Omit<FleetOptions, 'clock' | 'scheduler'>,
    Pick<SimulatorServerOptions, 'protocol' | 'tls' | 'bind' | 'maxPage' | 'onFrame' | 'onProblem'> {
  /** Default: the machine's. */
  readonly time?: Clock & Scheduler;
  /** Nothing changes its state by itself: the same as no life and no faults. */
  readonly steady?: boolean;
  /** Told of everything that happens, with a line for people. */
  readonly onHappening?: (line: string, happening: Happening) => void;
}

/** Names of PEM files. */
export interface ClientTlsFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** A fleet that lives and can be asked. */
export interface Simulation extends AsyncDisposable {
  readonly fleet: Fleet;
  endpoints(): SimulatedEndpoint[];
  /**
   * The part of a vurti.yaml by which a service in another process finds this fleet. `tls`: where that process finds the
   * authority and the client's certificate and key, which are in `endpoints()[…].tls`.
   */
  inventoryYaml(tls?: ClientTlsFiles): string;
  /** What a host's agent has seen on its wire (VDSM's protocol). @throws NOT_FOUND */
  wire(host: string): WireFigures | null;
  /** Ends it; nothing is left. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts a fleet on the wire: by default the lively one of the demo.
 * @throws LISTEN_FAILED, BAD_ARGUMENT
 */
export async function startSimulation(options: SimulationOptions = {}): Promise<Simulation> {
  const { time = new RealTime(), steady = false, onHappening, ...rest } = options;
  const { protocol, tls, bind, maxPage, onFrame, onProblem, ...fleetOptions } = rest;
  const calm = steady ? ({ life: 'none', faults: 'none' } as const) : {};
  const fleet = new Fleet({ life: 'demo', faults: 'demo', ...fleetOptions, ...calm, clock: time, scheduler: time });
  const server = new SimulatorServer({
    fleet,
    time,
    ...(protocol === undefined ? {} : { protocol }),
    ...(tls === undefined ? {} : { tls }),
    ...(onFrame === undefined ? {} : { onFrame }),
    ...(bind === undefined ? {} : { bind }),
    ...(maxPage === undefined ? {} : { maxPage }),
    ...(onProblem === undefined ? {} : { onProblem }),
  });
  const unsubscribe =
    onHappening === undefined
      ? () => undefined
      : fleet.subscribe((happening) => onHappening(happening.text, happening));
  await server.start();
  const stop = async (): Promise<void> => {
    unsubscribe();
    await server.stop();
  };
  return {
    fleet,
    endpoints: () => server.endpoints(),
    wire: (host) => server.wire(host),
    inventoryYaml: (files) => settingsYaml(server.endpoints(), files),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** One line per host, in YAML's flow form: short, and easy to cut from. */
function settingsYaml(endpoints: readonly SimulatedEndpoint[], files: ClientTlsFiles | undefined): string {
  // JSON text is YAML as well, so a name of any kind is quoted right.
  const word = (text: string): string => (/^[A-Za-z][\w-]*$/.test(text) ? text : JSON.stringify(text));
  const lines = endpoints.map(({ id, name, address, port, cluster, protocol, tls }) => {
    const plain = tls === null ? ', plain: true' : '';
    return `    - { name: ${word(name)}, id: ${JSON.stringify(id)}, address: ${address}, port: ${port}, cluster: ${word(cluster)}, protocol: ${protocol}${plain} }`;
  });
  const tls =
    files === undefined
      ? []
      : ['agents:', '  tls:', ...Object.entries(files).map(([key, file]) => `    ${key}: ${JSON.stringify(file)}`)];
  return [...tls, 'inventory:', '  hosts:', ...lines, ''].join('\n');
}
