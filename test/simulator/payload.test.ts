import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { minutes, seconds } from '../../src/kernel/index.js';
import type { Fleet } from '../../src/simulator/index.js';
import { entryOf, makeFleet, resultOf, vmStats } from './support.js';

const fixtureOf = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../fixtures/vdsm/${name}.json`, import.meta.url), 'utf8'));

type Json = Readonly<Record<string, unknown>>;
const typeOf = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);

/** Parts that are maps by name: what their keys are called does not belong to the shape. */
const maps = new Set([
  ...['network', 'disks', 'storageDomains', 'cpuStatistics', 'numaNodeMemFree', 'diskStats', 'multipathHealth'],
  ...['bridges', 'networks', 'nics', 'vlans', 'bondings', 'numaNodes', 'numaNodeDistance', 'packages2', 'vmJobs'],
  ...['kernelFeatures', 'hooks', 'supported_block_size', 'v2vJobs'],
]);
/** Parts that only some have: what is in them is compared, that they are there is not. */
const optional = new Set(['watchdogEvent', 'ioTune', 'imageID', 'haScore', 'ipv6autoconf', 'gateway']);

/** Where two documents differ in keys or JSON types. */
function differences(ours: unknown, theirs: unknown, path = ''): string[] {
  const [a, b] = [typeOf(ours), typeOf(theirs)];
  if (a !== b) return [`${path}: ${a} instead of ${b}`];
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    const model: unknown = theirs[0];
    return model === undefined ? [] : ours.flatMap((item, i) => differences(item, model, `${path}[${i}]`));
  }
  if (a !== 'object') return [];
  const [own, model] = [ours as Json, theirs as Json];
  const name = path.replace(/^.*\./, '');
  if (maps.has(name)) {
    const models = Object.values(model);
    if (models.length === 0) return [];
    // An entry of a map is right if it is like one of the entries of the model.
    return Object.entries(own).flatMap(([key, value]) => {
      const found = models.map((one) => differences(value, one, `${path}.${key}`));
      return found.reduce((best, each) => (each.length < best.length ? each : best));
    });
  }
  return [...new Set([...Object.keys(own), ...Object.keys(model)])].flatMap((key) => {
    const inBoth = key in own && key in model;
    if (inBoth) return differences(own[key], model[key], `${path}.${key}`);
    if (optional.has(key)) return [];
    return [`${path}.${key}: ${key in own ? 'is not in the model' : 'is missing'}`];
  });
}

/** The fixture's VMs, by what the simulator calls their states. */
const [upModel, pausedModel, migratingModel, downModel] = fixtureOf('Host.getAllVmStats') as Json[];

/** A VM without a guest agent: its entry is as short as those of the fixture's paused and migrating ones. */
function agentless(fleet: Fleet): string {
  const names = fleet.hosts().flatMap(({ name }) => vmStats(fleet, name));
  return names.find((entry) => entry.appsList?.length === 0)?.vmName ?? '';
}

describe('Host.getAllVmStats has the keys and types of VDSM', () => {
  it('Up with a guest agent: every VM of a fleet', () => {
    const { fleet } = makeFleet({ hosts: 10, vms: 200 });
    const entries = fleet.hosts().flatMap(({ name }) => vmStats(fleet, name));
    const talking = entries.filter((entry) => entry.appsList?.length !== 0);
    expect(talking.length).toBeGreaterThan(150);
    for (const entry of talking) expect(differences(entry, upModel)).toEqual([]);
    for (const key of ['ioTune']) expect(entries.some((entry) => key in entry)).toBe(true);
  });

  it('with all the parts that only some VMs have', () => {
    const { fleet } = makeFleet();
    fleet.vm('web-01').watchdog('reset');
    fleet.vm('web-01').merge();
    const entry = entryOf(fleet, 'web-01');
    expect(entry).toMatchObject({ watchdogEvent: { action: 'reset' } });
    expect(Object.keys(entry.vmJobs ?? {})).toHaveLength(1);
    expect(differences(entry, upModel)).toEqual([]);
  });

  it('Paused', () => {
    const { fleet } = makeFleet({ vms: 200 });
    const name = agentless(fleet);
    fleet.vm(name).pause('ENOSPC');
    const entry = entryOf(fleet, name);
    expect(entry).toMatchObject({ status: 'Paused', pauseCode: 'ENOSPC', cpuUser: '0.00', cpuActual: true });
    expect(differences(entry, pausedModel)).toEqual([]);
  });

  it('Migration Source', () => {
    const { fleet } = makeFleet({ vms: 200 });
    const name = agentless(fleet);
    const target = fleet.hosts().find((host) => host.name !== fleet.vm(name).host);
    fleet.vm(name).migrate(target?.name ?? '');
    const entry = vmStats(fleet, fleet.vm(name).host ?? '').find((one) => one.vmName === name);
    expect(entry?.status).toBe('Migration Source');
    expect(differences(entry, migratingModel)).toEqual([]);
  });

  it('Down', () => {
    const { fleet } = makeFleet();
    fleet.vm('web-01').crash();
    const entry = entryOf(fleet, 'web-01');
    expect(entry).toMatchObject({ status: 'Down', exitCode: 1, exitReason: 2 });
    expect(differences(entry, downModel)).toEqual([]);
  });

  it('just launched: as VDSM says it before its first sample', async () => {
    const launched = (fixtureOf('captured/Host.getAllVmStats') as Json[])[1];
    const { time, fleet } = makeFleet();
    fleet.vm('web-01').vanish();
    fleet.vm('web-01').start();
    const entry = entryOf(fleet, 'web-01');
    expect(entry).toMatchObject({ status: 'WaitForLaunch', cpuActual: false });
    expect(differences(entry, launched)).toEqual([]);
    await time.runFor(minutes(2));
    expect(entryOf(fleet, 'web-01')).toMatchObject({ status: 'Up', cpuActual: true });
  });
});

describe('the other answers have the keys and types of VDSM', () => {
  it.each(['Host.getStats', 'Host.getCapabilities', 'Host.getHardwareInfo', 'Host.getVMList'])('%s', (method) => {
    const { fleet } = makeFleet();
    expect(differences(resultOf(fleet, 'kvm-01', method), fixtureOf(method))).toEqual([]);
  });

  it('Host.getAllVmIoTunePolicies', () => {
    const { fleet } = makeFleet({ vms: 200 });
    const model = Object.values(fixtureOf('Host.getAllVmIoTunePolicies') as Json)[0];
    const policies = fleet
      .hosts()
      .flatMap(({ name }) => Object.values(resultOf(fleet, name, 'Host.getAllVmIoTunePolicies') as Json));
    for (const policy of policies) expect(differences(policy, model)).toEqual([]);
    expect(JSON.stringify(policies)).toContain('"write_iops_sec":500');
  });

  it('Host.getStats of an agent that has not sampled twice: only what it need not measure', async () => {
    const { time, fleet } = makeFleet();
    fleet.host('kvm-01').restartAgent(seconds(1));
    await time.runFor(seconds(10));
    const stats = resultOf(fleet, 'kvm-01', 'Host.getStats') as Json;
    expect(stats).toMatchObject({ cpuUser: '0.00', memUsed: '0.00', vmCount: 6 });
    expect(stats).not.toHaveProperty('network');
    await time.runFor(minutes(1));
    expect(resultOf(fleet, 'kvm-01', 'Host.getStats')).toHaveProperty('network');
  });
});

it('an entry of a VM has the size of a real one', () => {
  const { fleet } = makeFleet({ hosts: 10, vms: 500 });
  const size = fleet
    .hosts()
    .map(({ name }) => JSON.stringify(resultOf(fleet, name, 'Host.getAllVmStats')).length)
    .reduce((sum, bytes) => sum + bytes, 0);
  expect(size / 500).toBeGreaterThan(2300);
  expect(size / 500).toBeLessThan(3200);
});

it('bodies are ASCII, so that they can be counted by characters', () => {
  const { fleet } = makeFleet({ clusters: [{ name: 'Köln', share: 1 }] });
  for (const method of ['Host.getStats', 'Host.getAllVmStats', 'Host.getCapabilities', 'Host.ping2']) {
    const answer = fleet.host('kvm-01').ask(method);
    expect('result' in answer && answer.result).toMatch(/^[ -~]*$/);
  }
});
