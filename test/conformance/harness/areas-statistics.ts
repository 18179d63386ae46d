import { UsageHistory, vmStatusFromAgent } from '../../../src/model/index.js';
import { type AreaRunner, type ConformanceCase, type Facts, type Failures, factsOf, listOf, textOf } from './case.js';
import { checkValues, sameOutcome } from './expectations.js';
import { polled, V1, type VmWorldOptions, vmWorld } from './vm-world.js';
import type { World } from './world.js';

/** The agent's status text. */
export const runParsing: AreaRunner = async (c, failures) => {
  const { statusText } = c.reported;
  const status = vmStatusFromAgent(typeof statusText === 'string' ? statusText : '');
  checkValues('parsing', c.expect, () => status, failures);
};

/** One computation of §4.12, told by its keys. */
export const runStatistics: AreaRunner = async (c, failures) => {
  if ('limit' in c.given || 'history' in c.given || 'value' in c.reported) return runHistory(c, failures);
  if ('disk' in c.reported) return runDisk(c, failures);
  if ('cpuUser' in c.reported || 'cpuSys' in c.reported) return runCpu(c, failures);
  return runNic(c, failures);
};

function runHistory(c: ConformanceCase, failures: Failures): void {
  const history = UsageHistory.of(listOf(c.given['history']).map(Number));
  const { value } = c.reported;
  history.add(typeof value === 'number' ? value : null, Number(c.given['limit'] ?? 40));
  checkValues('statistics', c.expect, () => history.values(), failures);
}

/** The first poll of the VM was of an idle one; the second is the case's. */
async function runCpu(c: ConformanceCase, failures: Failures): Promise<void> {
  const { vcpus } = c.given;
  const numberOfCpus = typeof vcpus === 'number' ? vcpus : null;
  await inWorld({ vms: [{ static: { vcpus: numberOfCpus } }] }, async (world) => {
    await polled(world, { cpuUser: 0, cpuSys: 0, fields: { vcpuCount: undefined } });
    const { cpuUser, cpuSys } = c.reported;
    await polled(world, { fields: { vcpuCount: undefined, cpuUser, cpuSys } });
    const statistics = usageOf(world)?.statistics;
    checkValues('statistics', c.expect, (key) => (statistics as Facts | undefined)?.[key], failures);
  });
}

const MAC = '56:6f:00:00:00:01';

/** Counters of one nic, alike in both directions. */
async function runNic(c: ConformanceCase, failures: Failures): Promise<void> {
  const previous = factsOf(c.given['previous']);
  const { total, sampleTime, speedMbps, drops } = c.reported;
  const speed = typeof speedMbps === 'number' ? speedMbps : null;
  const before = {
    ...{ vmId: V1, macAddr: MAC, name: 'vnet0', speedMbps: speed, rxRate: null, txRate: null, rxDrop: 0n, txDrop: 0n },
    ...{ rxTotal: countOf(previous['total']), txTotal: countOf(previous['total']) },
    ...{ rxOffset: countOf(previous['offset']), txOffset: countOf(previous['offset']) },
    sampleTime: typeof previous['sampleTime'] === 'number' ? previous['sampleTime'] : null,
  };
  const stored = {
    static: { nics: [{ mac: MAC, name: 'nic1', profile: 'p', speedMbps: speed }] },
    interfaces: 'previous' in c.given && c.given['previous'] !== null ? [before] : [],
  };
  await inWorld({ vms: [stored] }, async (world) => {
    const counters = { rx: total, tx: total, rxDropped: drops, txDropped: drops };
    const nic = { macAddr: MAC, name: 'vnet0', speed: speedMbps, sampleTime, state: 'unknown', ...counters };
    await polled(world, { fields: { network: { vnet0: nic } } });
    const after = usageOf(world)?.interfaces[0] as Facts | undefined;
    for (const direction of ['rx', 'tx']) {
      const names: Readonly<Record<string, string>> = {
        ...{ ratePercent: `${direction}Rate`, total: `${direction}Total` },
        ...{ offset: `${direction}Offset`, drops: `${direction}Drop` },
      };
      checkValues(direction, c.expect, (key) => after?.[names[key] ?? key], failures);
    }
  });
}

const countOf = (value: unknown): bigint | null =>
  typeof value === 'number' || typeof value === 'string' ? BigInt(value) : null;

async function runDisk(c: ConformanceCase, failures: Failures): Promise<void> {
  const disk = factsOf(c.reported['disk']);
  const plugged = 'imageID' in disk ? [{ imageId: textOf(disk['imageID']), lunId: null, alias: null }] : [];
  await inWorld({ vms: [{ static: { disks: plugged } }] }, async (world) => {
    await polled(world, { fields: { disks: { vda: disk } } });
    const rows = usageOf(world)?.disks ?? [];
    const { disks, ...columns } = c.expect;
    checkValues('disk', columns, (key) => (rows[0] as Facts | undefined)?.[key], failures);
    if (disks === undefined) return;
    const ids = rows.map((row) => row.imageId);
    if (!sameOutcome(listOf(disks), ids)) failures.push(`disks: got ${JSON.stringify(ids)}`);
  });
}

const usageOf = (world: World) => world.part('sets').vms.usage(V1);

async function inWorld(options: VmWorldOptions, then: (world: World) => Promise<void>): Promise<void> {
  const world = await vmWorld(options);
  try {
    await then(world);
  } finally {
    await world.stop();
  }
}
