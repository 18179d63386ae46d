import { type DeepPartial, initialRow, type MonitorSettings, vdsInterfaceFields } from '../../../src/model/index.js';
import {
  type AreaRunner,
  type ConformanceCase,
  type Facts,
  type Failures,
  factsOf,
  isFacts,
  listOf,
  show,
  textOf,
} from './case.js';
import { checkEvents, checkValues, sameOutcome } from './expectations.js';
import { H1, hostFacts, hostWorld, layOver, putVms, readHost } from './host-world.js';
import type { World } from './world.js';

/** Nominal speed of the fake nics: 1 % of it is 10^7 bits per second. */
const SPEED_MBPS = 1000;
const SECONDS_BETWEEN = 8;

/** One answer of GetStats and what comes of it (area host-stats). */
export const runHostStats: AreaRunner = async (c, failures) => {
  const world = await hostWorld({
    given: c.given,
    settings: { thresholds: thresholdsOf(factsOf(c.given['config'])) },
    h1: { stats: { multipathHealth: undefined, network: nicsOf(c.reported, 0) } },
  });
  try {
    clusterOf(world, factsOf(c.given['cluster']));
    await clockOf(world, c.given['engineTime']);
    putVms(
      world,
      listOf(c.given['vms'])
        .filter((vm) => factsOf(vm)['known'] !== false)
        .map(memoryOf),
      H1,
    );
    layOver(world, H1, hostFacts(c.given));
    setNics(world, c);
    const before = world.part('sets').hosts.get(H1)?.dynamic;
    world.forget();
    await report(world, c);
    pending(world, c.reported['ops']);
    await world.settle();
    checkValues('host', c.expect['host'], readHost(world, H1), failures);
    const upper = ['cpuLoad', 'usageMemPercent', 'vmCount', 'incomingMigrations', 'outgoingMigrations'];
    checkValues('host', pick(c.expect, upper), readHost(world, H1), failures);
    checkPending(world, c.expect, failures);
    checkStatsEvents(world, c, failures);
    const after = world.part('sets').hosts.get(H1)?.dynamic;
    if ('changed' in c.expect) {
      const changed = before?.memCommited !== after?.memCommited || before?.vmsCoresCount !== after?.vmsCoresCount;
      if (changed !== c.expect['changed']) failures.push(`changed: expected ${show(c.expect['changed'])}`);
    }
  } finally {
    await world.stop();
  }
};

/** The nics that the case names are the host's; nothing is said of others (bridges, taps). */
function setNics(world: World, c: ConformanceCase): void {
  const named = [
    ...listOf(c.given['interfaces']).map((nic) => (isFacts(nic) ? nic['name'] : nic)),
    ...Object.keys(nicsOf(c.reported, 0)),
  ];
  const host = world.part('sets').hosts.get(H1);
  if (host === undefined) return;
  const interfaces = [...new Set(named.map(textOf))].map((name) => ({
    ...initialRow(vdsInterfaceFields),
    hostId: H1,
    name,
  }));
  world.part('sets').putHost({ ...host, interfaces });
}

const pick = (facts: Facts, keys: readonly string[]): Facts =>
  Object.fromEntries(Object.entries(facts).filter(([key]) => keys.includes(key)));

/** The % of whichever rule the case is about. */
function thresholdsOf(config: Facts): DeepPartial<MonitorSettings['thresholds']> {
  const percent = config['threshold'];
  return {
    ...(typeof percent === 'number'
      ? { cpuPercent: percent, networkPercent: percent, swapPercent: percent, memoryPercent: percent }
      : {}),
    ...(typeof config['low'] === 'number' ? { diskLowMiB: config['low'] } : {}),
    ...(typeof config['critical'] === 'number' ? { diskCriticalMiB: config['critical'] } : {}),
  };
}

function clusterOf(world: World, cluster: Facts): void {
  const threshold = cluster['memThreshold'];
  if (typeof threshold !== 'number') return;
  const memThresholdType = textOf(cluster['type']).startsWith('ABSOLUTE') ? 'ABSOLUTE' : 'PERCENTAGE';
  world.monitor.clusters.put({ name: 'C1', memThreshold: threshold, memThresholdType });
}

/** Our clock stands where the case has it: it only goes forward, and cases lie after its beginning or are told relative to it. */
async function clockOf(world: World, engineTime: unknown): Promise<void> {
  if (typeof engineTime !== 'string') return;
  const ahead = Date.parse(zoned(engineTime)) - world.clock.now();
  if (ahead > 0) await world.clock.runFor(ahead);
  else offsetMs = -ahead;
}

/** Where the case's times lie before the clock's beginning, all of them are moved. */
let offsetMs = 0;
const zoned = (text: string): string => (/(Z|GMT|[+-]\d\d:?\d\d)$/.test(text) ? text.replace(' GMT', 'Z') : `${text}Z`);

function memoryOf(vm: unknown): Facts {
  return factsOf(vm);
}

async function report(world: World, c: ConformanceCase): Promise<void> {
  const agent = world.agents.on(H1);
  const answers = Array.isArray(c.reported['reports_validPaths'])
    ? listOf(c.reported['reports_validPaths'])
    : [undefined];
  for (const paths of answers) {
    agent.answers({
      stats: { ...statsOf(c), ...(paths === undefined ? {} : { multipathHealth: multipathOf(paths) }) },
    });
    for (const vm of listOf(c.given['vms'])) {
      const facts = factsOf(vm);
      agent.with(textOf(facts['id']), {
        status: 'Up',
        guestAgent: false,
        fields: { status: textOf(facts['status'] ?? 'Up') },
      });
    }
    await world.poke(H1);
  }
  offsetMs = 0;
}

function multipathOf(paths: unknown): unknown {
  if (!isFacts(paths)) return undefined;
  return Object.fromEntries(Object.entries(paths).map(([device, n]) => [device, { valid_paths: n, failed_paths: [] }]));
}

const plain: readonly string[] = ['cpuLoad', 'cpuSys', 'cpuUser', 'memFree', 'swapFree', 'swapTotal'];

function statsOf(c: ConformanceCase): Facts {
  const { reported, expect } = c;
  const fields: Record<string, unknown> = { multipathHealth: undefined, network: nicsOf(reported, SECONDS_BETWEEN) };
  for (const key of plain) if (key in reported) fields[key] = reported[key] ?? undefined;
  if (typeof reported['dateTime'] === 'string') {
    const at = new Date(Date.parse(zoned(reported['dateTime'])) + offsetMs);
    fields['dateTime'] = `${at.toISOString().slice(0, 19)} GMT`;
  }
  if ('diskStats' in reported) {
    const disks = Object.entries(factsOf(reported['diskStats'])).map(([path, free]) => [
      path,
      { free: free ?? undefined },
    ]);
    fields['diskStats'] = Object.fromEntries(disks);
  }
  if (reported['hugepages'] === null) fields['hugepages'] = undefined;
  else if ('hugepages' in reported) {
    const sizes = Object.entries(factsOf(reported['hugepages'])).map(([size, pages]) => [
      size,
      {
        nr_hugepages: factsOf(pages)['nr'],
        'vm.free_hugepages': factsOf(pages)['free'],
        free_hugepages: factsOf(pages)['free'],
      },
    ]);
    fields['hugepages'] = Object.fromEntries(sizes);
  }
  // What these cases are about is that they are missing.
  if ('incomingMigrations' in expect) {
    Object.assign(fields, { vmCount: undefined, incomingVmMigrations: undefined, outgoingVmMigrations: undefined });
  }
  return fields;
}

/** Counters that make up the wanted rates; a nic the case does not name stands still. */
function nicsOf(reported: Facts, seconds: number): Facts {
  const bytes = (rate: unknown): string =>
    String(Math.round((Number(rate ?? 0) / 100) * SPEED_MBPS * 125_000 * seconds));
  const rates = Object.entries(reported).filter(
    ([, facts]) => isFacts(facts) && ('rxRate' in facts || 'txRate' in facts),
  );
  const nic = (name: string, facts: Facts) => ({
    name,
    state: 'up',
    speed: String(SPEED_MBPS),
    rx: bytes(facts['rxRate']),
    tx: bytes(facts['txRate']),
    rxDropped: '0',
    txDropped: '0',
    rxErrors: '0',
    txErrors: '0',
    sampleTime: 1_700_000_000 + seconds,
  });
  const named = rates.length > 0 ? rates : [['eth0', {}] as [string, unknown]];
  return Object.fromEntries(named.map(([name, facts]) => [name, nic(name, factsOf(facts))]));
}

function pending(world: World, ops: unknown): void {
  for (const op of listOf(ops)) {
    const [what, whom, memoryMb, vcpus] = listOf(op);
    if (what === 'add')
      world.monitor.hosts.addPending(H1, textOf(whom), { memoryMb: Number(memoryMb), vcpus: Number(vcpus) });
    else if (what === 'clearVm') world.monitor.vms.clearPending(textOf(whom));
    else if (whom === H1) world.monitor.hosts.clearPending(H1);
  }
}

function checkPending(world: World, expect: Facts, failures: Failures): void {
  const host = world.part('sets').hosts.get(H1)?.dynamic;
  const sums: Facts = { pendingMemoryMb: host?.pendingVmemSize, pendingCpus: host?.pendingVcpusCount };
  for (const [key, got] of Object.entries(sums)) {
    if (key in expect && !sameOutcome(expect[key], got))
      failures.push(`${key}: expected ${show(expect[key])}, got ${show(got)}`);
  }
}

/** Of multipath the case lists all events there are. */
function checkStatsEvents(world: World, c: ConformanceCase, failures: Failures): void {
  const seen = world.events();
  if (!('reports_validPaths' in c.reported)) {
    checkEvents(c.expect, seen, failures);
    return;
  }
  const names = seen.map((event) => event.name).filter((name) => name.includes('MULTIPATH'));
  const wanted = listOf(c.expect['events']).map((event) => factsOf(event)['type']);
  if (!sameOutcome(wanted, names)) failures.push(`events: expected ${show(wanted)}, got ${show(names)}`);
}
