import { setTimeout as wait } from 'node:timers/promises';
import { type Simulation, startSimulation } from '../../src/simulator/index.js';
import { Child, serve } from './child.js';
import { bodyOf, type FleetReady } from './fleet.js';
import { stampedUser } from './push-latency.js';

export type Transport = 'tls' | 'plain' | 'http';

/** What the fleet's process is asked for. */
type FleetQuestion =
  | {
      readonly ask: 'start';
      readonly hosts: number;
      readonly vms: number;
      readonly sampleMs: number;
      readonly transport: Transport;
      /** Happenings in guests per second over the whole fleet, each of them pushed. */
      readonly happenings: number;
    }
  /** Users log on, so many a second, each event with its time. */
  | { readonly ask: 'push'; readonly perSecond: number; readonly seconds: number }
  | { readonly ask: 'wire' };

interface Answers {
  readonly start: FleetReady;
  readonly push: { readonly pushed: number };
  readonly wire: WireTotals;
}

export interface WireTotals {
  readonly events: number;
  readonly eventsLost: number;
  readonly accepted: number;
  readonly requests: number;
}

export class PushingFleet extends Child<FleetQuestion, object> {
  constructor(file: string) {
    super(file, 'fleet');
  }

  put<K extends FleetQuestion['ask']>(question: FleetQuestion & { readonly ask: K }): Promise<Answers[K]> {
    return this.ask(question) as Promise<Answers[K]>;
  }
}

/** Pushes are dealt out in portions as often as this, ms. */
const PORTION_MS = 5;
/** A fleet that was held up, by its own garbage for one, makes up for it at this multiple of its pace: no burst of all hosts at once. */
const CATCHING_UP = 2;

export function servePushingFleet(): void {
  let simulation: Simulation | undefined;
  const running = (): Simulation => {
    if (simulation === undefined) throw new Error('No fleet was started');
    return simulation;
  };
  serve<FleetQuestion>(
    async (question) => {
      switch (question.ask) {
        case 'start':
          simulation = await start(question);
          return ready(simulation);
        case 'push':
          return { pushed: await push(running(), question.perSecond, question.seconds) } satisfies Answers['push'];
        case 'wire':
          return totals(running());
      }
    },
    async () => simulation?.stop(),
  );
}

function start(order: Extract<FleetQuestion, { ask: 'start' }>): Promise<Simulation> {
  const { hosts, vms, sampleMs, transport, happenings } = order;
  return startSimulation({
    ...{ hosts, vms, sampleMs, statistics: 'live', faults: 'none' },
    life: { guest: happenings * 3600 },
    protocol: transport === 'http' ? 'http' : 'vdsm',
    tls: transport === 'tls',
  });
}

function ready(simulation: Simulation): FleetReady {
  const endpoints = simulation.endpoints();
  const { fleet } = simulation;
  return {
    endpoints,
    vms: fleet.vms().map(({ id, name, cluster }) => ({ id, name, cluster })),
    body: bodyOf(fleet, endpoints[0]?.id ?? ''),
  };
}

async function push({ fleet }: Simulation, perSecond: number, seconds: number): Promise<number> {
  const vms = fleet.vms().map(({ id }) => fleet.vm(id));
  const began = performance.now();
  let pushed = 0;
  for (let at = 0; ; ) {
    const passed = (performance.now() - began) / 1000;
    if (passed >= seconds) return pushed;
    const most = pushed + (CATCHING_UP * perSecond * PORTION_MS) / 1000;
    while (pushed < Math.min(passed * perSecond, most)) {
      if (vms[at]?.logOn(stampedUser()) === true) pushed += 1;
      at = (at + 1) % vms.length;
    }
    await wait(PORTION_MS);
  }
}

function totals(simulation: Simulation): WireTotals {
  const all = simulation.fleet.hosts().map(({ name }) => simulation.wire(name));
  const sum = (name: keyof WireTotals): number => all.reduce((total, one) => total + (one?.[name] ?? 0), 0);
  return {
    events: sum('events'),
    eventsLost: sum('eventsLost'),
    accepted: sum('accepted'),
    requests: sum('requests'),
  };
}
