import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { startSimulation } from '../../simulator/index.js';
import type { Context } from '../context.js';
import { count } from '../human.js';

export interface SimulateOptions {
  readonly hosts: number;
  readonly vms: number;
  readonly seed: number;
  readonly write?: string;
}

/** Agents alone: another vurti, or anything else that speaks their protocol, may ask them. */
export async function simulate(context: Context, options: SimulateOptions): Promise<void> {
  const { io } = context;
  const { hosts, vms, seed } = options;
  await using simulation = await startSimulation({
    hosts,
    vms,
    seed,
    onHappening: (line) => {
      if (context.globals.verbose) context.note(line);
    },
    onProblem: (message) => context.note(message),
  });
  const settings = simulation.inventoryYaml();
  if (options.write === undefined) context.data(settings);
  else writeFileSync(resolve(io.cwd, options.write), settings);
  const file = options.write ?? 'FILE, with the settings above';
  const fleet = `${count(hosts)} hosts, ${count(vms)} VMs answer (seed ${seed})`;
  context.note(`${fleet}. Ctrl-C stops. To serve them: vurti serve --config ${file}`);
  await new Promise<void>((resolve) => {
    if (io.stop.aborted) resolve();
    io.stop.addEventListener('abort', () => resolve(), { once: true });
  });
}
