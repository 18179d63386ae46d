import { minutes, seconds } from '../../src/kernel/index.js';
import { type Cost, hostName, type OpenStore, Stage, type StageOptions, vmName } from './stage.js';

/** Something that happens to a fleet, with all that comes of it. */
export interface Scenario {
  readonly name: string;
  /** What it takes beside a fleet whose figures stand still under a manager. */
  readonly stage?: Pick<StageOptions, 'advance' | 'mode'>;
  /** Runs until nothing more comes of it; counting began right before. */
  readonly play: (stage: Stage) => Promise<void>;
}

const INTERVAL = seconds(15);
const first = hostName(0);
const victim = vmName(0, 0);
const statusOf = (stage: Stage) => stage.monitor.hosts.get(first).status;

export const scenarios = {
  steady: {
    name: 'steady state, ten minutes',
    play: (stage) => stage.runFor(minutes(10)),
  },
  statistics: {
    name: 'statistics only, one minute',
    stage: { advance: true },
    play: (stage) => stage.runFor(minutes(1)),
  },
  change: {
    name: 'one VM changes state (paused: no space)',
    play: async (stage) => {
      stage.agents.on(first).vm(victim, { status: 'Paused', pauseStatus: 'ENOSPC' });
      await stage.runFor(2 * INTERVAL);
    },
  },
  discovered: {
    name: 'VM discovered (observer)',
    stage: { mode: 'observer' },
    play: async (stage) => {
      stage.agents.on(first).with('newcomer', { status: 'Up' });
      await stage.runFor(2 * INTERVAL);
    },
  },
  gone: {
    name: 'VM gone without a word',
    play: async (stage) => {
      stage.agents.on(first).without(victim);
      await stage.runFor(4 * INTERVAL);
    },
  },
  migration: {
    name: 'migration',
    play: async (stage) => {
      stage.agents.on(first).vm(victim, { status: 'MigratingFrom' });
      stage.agents.on(hostName(1)).with(victim, { status: 'MigratingTo' });
      await stage.runFor(2 * INTERVAL);
      stage.agents.on(first).without(victim);
      stage.agents.on(hostName(1)).vm(victim, { status: 'Up' });
      await stage.runFor(4 * INTERVAL);
    },
  },
  lost: {
    name: 'host lost',
    play: async (stage) => {
      stage.agents.on(first).hang();
      await stage.runUntil(() => statusOf(stage) === 'NonResponsive', minutes(10));
      await stage.runFor(INTERVAL);
    },
  },
  back: {
    name: 'host back',
    play: async (stage) => {
      stage.agents.on(first).recover();
      await stage.runUntil(() => statusOf(stage) === 'Up', minutes(10));
      await stage.runFor(2 * INTERVAL);
    },
  },
  restart: {
    name: 'restart of the service',
    play: async (stage) => {
      await stage.restart();
      await stage.runFor(4 * INTERVAL);
    },
  },
} satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof scenarios;

export interface FleetSize {
  readonly hosts: number;
  readonly vmsPerHost: number;
}

/** Plays a scenario once, on a fleet that has come to rest. */
export async function costOf(
  name: ScenarioName,
  size: FleetSize,
  openStore: OpenStore,
  around: (play: () => Promise<void>) => Promise<void> = (play) => play(),
): Promise<Cost> {
  const scenario: Scenario = scenarios[name];
  await using stage = await Stage.open({ ...size, openStore, ...scenario.stage });
  await stage.start();
  await stage.runFor(minutes(3));
  if (name === 'back') await scenarios.lost.play(stage);
  stage.reset();
  await around(() => scenario.play(stage));
  return stage.cost();
}
