import { type Clock, RealTime, type Scheduler } from '../kernel/index.js';
import { Fleet, type FleetOptions } from './fleet.js';
import type { Happening } from './happening.js';
import { type Bind, type SimulatedEndpoint, SimulatorServer } from './server.js';

export interface SimulationOptions extends Omit<FleetOptions, 'clock' | 'scheduler'> {
  /** Default: the machine's. */
  readonly time?: Clock & Scheduler;
  /** Nothing changes its state by itself: the same as no life and no faults. */
  readonly steady?: boolean;
  readonly bind?: Bind;
  readonly maxPage?: number;
  /** Told of everything that happens, with a line for people. */
  readonly onHappening?: (line: string, happening: Happening) => void;
  readonly onProblem?: (message: string) => void;
}

/** A fleet that lives and can be asked over HTTP. */
export interface Simulation extends AsyncDisposable {
  readonly fleet: Fleet;
  endpoints(): SimulatedEndpoint[];
  /** The `inventory` part of a vurti.yaml by which a service in another process finds this fleet. */
  inventoryYaml(): string;
  /** Ends it; nothing is left. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts a fleet on the wire: by default the lively one of the demo.
 * @throws LISTEN_FAILED, BAD_ARGUMENT
 */
export async function startSimulation(options: SimulationOptions = {}): Promise<Simulation> {
  const { time = new RealTime(), steady = false, bind, maxPage, onHappening, onProblem, ...fleetOptions } = options;
  const calm = steady ? ({ life: 'none', faults: 'none' } as const) : {};
  const fleet = new Fleet({ life: 'demo', faults: 'demo', ...fleetOptions, ...calm, clock: time, scheduler: time });
  const server = new SimulatorServer({
    fleet,
    scheduler: time,
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
    inventoryYaml: () => inventoryYaml(server.endpoints()),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** One line per host, in YAML's flow form: short, and easy to cut from. */
function inventoryYaml(endpoints: readonly SimulatedEndpoint[]): string {
  // JSON text is YAML as well, so a name of any kind is quoted right.
  const word = (text: string): string => (/^[A-Za-z][\w-]*$/.test(text) ? text : JSON.stringify(text));
  const lines = endpoints.map(
    ({ id, name, address, port, cluster }) =>
      `    - { name: ${word(name)}, id: ${JSON.stringify(id)}, address: ${address}, port: ${port}, cluster: ${word(cluster)}, protocol: http, plain: true }`,
  );
  return ['inventory:', '  hosts:', ...lines, ''].join('\n');
}
