import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { type ClientTlsFiles, parseFaults, type Simulation, startSimulation } from '../../simulator/index.js';
import type { Context } from '../context.js';
import { count } from '../human.js';

export interface SimulateOptions {
  readonly hosts: number;
  readonly vms: number;
  readonly seed: number;
  readonly protocol: 'vdsm' | 'http';
  /** true: without a directory. */
  readonly tls?: string | true;
  readonly port?: number;
  readonly faults?: string;
  readonly write?: string;
}

const PKI_DIRECTORY = 'lab-pki';

/** Agents alone: another vurti, or anything else that speaks their protocol, may ask them. */
export async function simulate(context: Context, options: SimulateOptions): Promise<void> {
  const { io } = context;
  const { hosts, vms, seed, protocol, port, faults } = options;
  await using simulation = await startSimulation({
    ...{ hosts, vms, seed, protocol, tls: options.tls !== undefined },
    ...(port === undefined ? {} : { bind: { kind: 'addresses', port } }),
    ...(faults === undefined ? {} : { faults: parseFaults(faults) }),
    onHappening: (line) => {
      if (context.globals.verbose) context.note(line);
    },
    onProblem: (message) => context.note(message),
  });
  const base = options.write === undefined ? io.cwd : dirname(resolve(io.cwd, options.write));
  const settings = simulation.inventoryYaml(writePki(simulation, io.cwd, base, options.tls));
  if (options.write === undefined) context.data(settings);
  else writeFileSync(resolve(io.cwd, options.write), settings);
  const file = options.write ?? 'FILE, with the settings above';
  const fleet = `${count(hosts)} hosts, ${count(vms)} VMs answer (${spoken(options)}, seed ${seed})`;
  context.note(`${fleet}. Ctrl-C stops. To serve them: vurti serve --config ${file}`);
  await new Promise<void>((resolve) => {
    if (io.stop.aborted) resolve();
    io.stop.addEventListener('abort', () => resolve(), { once: true });
  });
}

function spoken({ protocol, tls }: SimulateOptions): string {
  if (protocol === 'http') return 'HTTP';
  return tls === undefined ? 'VDSM, plain' : 'VDSM, TLS';
}

/** Writes what the client needs; the names in the settings count from the directory of the settings file. */
function writePki(
  simulation: Simulation,
  cwd: string,
  base: string,
  directory: string | true | undefined,
): ClientTlsFiles | undefined {
  const [endpoint] = simulation.endpoints();
  if (directory === undefined || endpoint === undefined || endpoint.tls === null) return undefined;
  const { ca = '', cert = '', key = '' } = endpoint.tls;
  const place = resolve(cwd, directory === true ? PKI_DIRECTORY : directory);
  mkdirSync(place, { recursive: true });
  const write = (name: string, text: string, mode: number): string => {
    writeFileSync(join(place, name), text, { mode });
    return relative(base, join(place, name));
  };
  return {
    caFile: write('ca.pem', ca, 0o644),
    certFile: write('client.pem', cert, 0o644),
    keyFile: write('client.key', key, 0o600),
  };
}
