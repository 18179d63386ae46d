import { statusWord } from '../../../src/fetcher/fake/fake-vm.js';
import {
  initialRow,
  type ReportedDevice,
  type VmDevice,
  type VmStatus,
  vmDeviceFields,
} from '../../../src/model/index.js';
import type { DeviceWord } from '../../../src/monitor/api.js';
import { type AreaRunner, type ConformanceCase, type Facts, type Failures, factsOf, listOf, textOf } from './case.js';
import { domainXml, listedDevice } from './domain-xml.js';
import { sameOutcome } from './expectations.js';
import { H1, pushed, V1, vmWorld } from './vm-world.js';
import type { World } from './world.js';

/** Between two numbers of a case. */
const UNIT_MS = 10;

/** One piece of news, and how old it is. */
interface News {
  readonly facts: Facts;
  /** Monotonic ms of its question. */
  readonly askedAt: number;
  /** The manager's, as old as it says. */
  readonly word: DeviceWord;
}

/** What came of each piece of news. */
interface Outcome {
  added: string[];
  updated: string[];
  removed: string[];
  hashes: (string | null)[];
}

/** Fingerprints, dumps, whole lists and word of single devices, each as old as it says. */
export const runDevices: AreaRunner = async (c, failures) => {
  const { given } = c;
  const hash = typeof given['knownHash'] === 'string' ? given['knownHash'] : null;
  const status = textOf(given['vmStatus'] ?? 'Up') as VmStatus;
  const devices = listOf(given['dbDevices']).map((device) => dbDevice(factsOf(device)));
  const world = await vmWorld({ vms: [{ dynamic: { hash, status }, devices }] });
  try {
    world.agents.on(H1).with(V1, { status });
    const { known, news } = await inTime(world, c);
    if (known !== undefined && hash !== null) {
      known.word.list(devices.map((device) => listedDevice({ ...device, address: 'known' }, () => undefined, 0)));
      pushed(world, { status: statusWord(status), hash }, known.askedAt, 1);
    }
    const outcomes: Outcome[] = [];
    const asked = world.agents.on(H1).count('Host.dumpxmls');
    for (const [i, each] of news.entries()) outcomes.push(await deliver(world, status, each, i + 1));
    check(world, c, { outcomes, asked: world.agents.on(H1).count('Host.dumpxmls') - asked }, failures);
  } finally {
    await world.stop();
  }
};

function dbDevice(facts: Facts): VmDevice {
  const { id, type, managed } = facts;
  return {
    ...initialRow(vmDeviceFields),
    vmId: V1,
    id: textOf(id),
    type: textOf(type ?? 'disk'),
    managed: managed === true,
  };
}

/** A word bears the time of its making: all are made in the order of their times, before the case begins. */
async function inTime(world: World, c: ConformanceCase): Promise<{ known: News | undefined; news: readonly News[] }> {
  const { reported } = c;
  const { knownTime } = c.given;
  const since = typeof knownTime === 'number' ? knownTime : 0;
  const sequence = Array.isArray(reported['sequence']) ? listOf(reported['sequence']).map(factsOf) : [reported];
  if (reported['then'] !== undefined) sequence.push(factsOf(reported['then']));
  // Without times of their own they come one after the other, all newer than what is known.
  const times = sequence.map(({ fetchTime }, i) => (typeof fetchTime === 'number' ? fetchTime : since + 1 + i));
  const start = world.clock.monotonic();
  const made = new Map<number, Omit<News, 'facts'>>();
  for (const time of [...new Set([since, ...times])].sort((a, b) => a - b)) {
    const askedAt = start + time * UNIT_MS;
    await world.clock.runFor(Math.max(0, askedAt - world.clock.monotonic()));
    made.set(time, { askedAt: world.clock.monotonic(), word: world.monitor.vms.deviceWord(V1) });
  }
  const of = (time: number, facts: Facts): News => {
    const news = made.get(time);
    if (news === undefined) throw new RangeError(`nothing was made at ${time}`);
    return { ...news, facts };
  };
  return {
    known: typeof knownTime === 'number' ? of(since, {}) : undefined,
    news: sequence.map((facts, i) => of(times[i] ?? since, facts)),
  };
}

async function deliver(
  world: World,
  status: VmStatus,
  { facts, askedAt, word }: News,
  round: number,
): Promise<Outcome> {
  const before = devicesOf(world);
  const typeOf = (id: string): string | undefined => before.find((device) => device.id === id)?.type;
  world.forget();
  if (facts['updateDevice'] !== undefined) {
    const id = textOf(facts['updateDevice']);
    const managed = before.find((device) => device.id === id)?.managed ?? true;
    word.put({ id, type: typeOf(id) ?? 'disk', address: `address-${round}`, managed });
  } else if (facts['removeDevice'] !== undefined) {
    word.remove(textOf(facts['removeDevice']));
  } else if (facts['fullList'] === true) {
    word.list(usualList(round));
  } else {
    const listed = Array.isArray(facts['devices'])
      ? listOf(facts['devices']).map((device) => listedDevice(factsOf(device), typeOf, round))
      : before.map((device) => listedDevice({ ...device, address: 'same' }, typeOf, round));
    world.agents.on(H1).with(V1, { xml: domainXml(V1, listed, factsOf(facts['guestDiskMapping'])) });
    // Without a fingerprint the case tells of a dump that was due: its fingerprint was another one.
    const hash = facts['hash'] === undefined ? `due-${round}` : facts['hash'];
    pushed(world, { status: statusWord(status), hash }, askedAt, 1 + round);
  }
  await world.clock.runFor(100);
  return outcomeOf(world, before);
}

/** The devices of a VM that a manager has just started. */
function usualList(round: number): ReportedDevice[] {
  const facts: Facts[] = [
    { type: 'balloon', device: 'memballoon', address: null },
    { type: 'controller', device: 'virtio-serial', address: 'a3' },
    { id: 'video', type: 'video', device: 'vga', address: 'a1' },
    { id: 'cdrom', type: 'disk', device: 'cdrom', address: 'a2' },
  ];
  return facts.map((device) => listedDevice(device, () => undefined, round));
}

const devicesOf = (world: World): readonly VmDevice[] => world.part('sets').vms.get(V1)?.devices ?? [];

function outcomeOf(world: World, before: readonly VmDevice[]): Outcome {
  const known = new Set(before.map((device) => device.id));
  const outcome: Outcome = { added: [], updated: [], removed: [], hashes: [] };
  for (const write of world.spy.rows) {
    if (write.kind === 'vm_device') {
      if ('deleted' in write) outcome.removed.push(textOf(write.deleted[1]));
      else (known.has(write.row.id) ? outcome.updated : outcome.added).push(write.row.id);
    }
  }
  for (const record of world.spy.records) {
    if (record.kind !== 'change') continue;
    for (const { path, to } of record.changes) if (path === 'hash') outcome.hashes.push(to as string | null);
  }
  return outcome;
}

interface Seen {
  readonly outcomes: readonly Outcome[];
  readonly asked: number;
}

function check(
  world: World,
  { expect, reported }: ConformanceCase,
  { outcomes, asked }: Seen,
  failures: Failures,
): void {
  const all = <K extends keyof Outcome>(key: K): Outcome[K][number][] =>
    outcomes.flatMap((outcome) => [...outcome[key]]);
  const hashes = all('hashes');
  const [first, ...later] = outcomes;
  const facts: Readonly<Record<string, unknown>> = {
    added: all('added').length,
    updated: all('updated').length,
    removed: all('removed').sort(),
    addedOnce: (first?.added.length ?? 0) > 0 && later.every((outcome) => outcome.added.length === 0),
    dumpXml: asked > 0,
    dumpXmlCalls: asked,
    hashSaved: hashes.at(-1) ?? null,
    hashesSaved: hashes,
    logicalName: logicalName(world, reported),
  };
  for (const [key, wanted] of Object.entries(expect)) {
    const got = facts[key];
    const sorted = key === 'removed' && Array.isArray(wanted) ? [...wanted].sort() : wanted;
    const none = wanted === null && got === 0;
    if (!none && !sameOutcome(sorted, got))
      failures.push(`${key}: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`);
  }
}

/** Of the disk that the case is about. */
function logicalName(world: World, reported: Facts): string | null {
  const disk = listOf(reported['devices'])
    .map(factsOf)
    .find((device) => device['type'] === 'disk');
  return devicesOf(world).find((device) => device.id === disk?.['id'])?.logicalName ?? null;
}
