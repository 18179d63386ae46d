import { describe, expect, it } from 'vitest';
import { Problems } from '../../../src/fetcher/decode/problems.js';
import { Reader } from '../../../src/fetcher/decode/reader.js';
import { decodeVm } from '../../../src/fetcher/decode/vm-report.js';
import { vmMembers, vmParts } from '../../../src/fetcher/differential/members.js';
import { fixture, host, type Json } from '../support/fixtures.js';
import { answer } from './answers.js';
import { Chain } from './chain.js';
import { oddNumbers } from './mutate-answer.js';

const soak = process.env['VURTI_SOAK'] === '1';
const ID = '6f0c9d5e-0000-4000-8000-000000000000';

/** A VM of which everything is said that any agent says, each number once as a text and once as a number. */
function fullVm(quoted: boolean): Json {
  const n = (value: number) => (quoted ? String(value) : value);
  return {
    ...(fixture<Json[]>('Host.getAllVmStats')[0] as Json),
    ...{ statusTime: n(2_233_896_412), elapsedTime: n(86_000), cpuUser: n(14.27), cpuSys: n(1.93), memUsage: n(37) },
    ...{ vcpuCount: n(2), migrationProgress: n(40), cpuUsage: n(13_915_170_000), pid: n(4711), guestName: 'web' },
    ...{ tpmHash: 'a', nvramHash: 'b', guestOs: 'linux', exitCode: n(0), exitReason: n(0), exitMessage: 'none' },
    ...{ displayType: 'vnc', displayIp: '0', displayPort: n(5900), displaySecurePort: n(5901), cdrom: '/a/b.iso' },
    guestOsInfo: { type: 'linux', arch: 'x', kernel: '6', distribution: 'd', version: '12', codename: 'c' },
    guestTimezone: { offset: n(60), zone: 'CET' },
    guestContainers: [{ names: ['a'], count: n(3) }],
    netIfaces: [{ name: 'eth0', inet: ['10.0.0.1'], inet6: ['fe80::1'], hw: 'aa:bb' }],
    network: {
      vnet0: {
        ...{ macAddr: '56:6f:1a:2b:00:00', name: 'vnet0', state: 'unknown', speed: n(1000), rxErrors: n(0) },
        ...{ rx: n(734_003_200), tx: n(91_750_400), rxDropped: n(3), txDropped: n(4), sampleTime: n(86_412.77) },
      },
    },
    disks: {
      vda: {
        ...{ truesize: n(1_073_741_824), readRate: n(10.5), writeRate: n(524_288.5), readOps: n(99_120) },
        ...{ readLatency: n(412_330.5), writeLatency: n(1_893_221.25), flushLatency: n(7), writeOps: n(218_832) },
        ...{ imageID: 'ab5d3f10-0000-4000-8000-000000000001', readBytes: n(5), lunGUID: 'l1' },
      },
    },
    balloonInfo: {
      ...{ balloon_max: n(4096), balloon_min: n(1024), balloon_cur: n(2048), balloon_target: n(2049) },
      ballooning_enabled: true,
    },
    memoryStats: {
      ...{ mem_total: n(9), mem_unused: n(8), mem_free: n(7), mem_buffers: n(6), mem_cached: n(5), swap_in: n(1) },
    },
    disksUsage: [{ path: '/', fs: 'xfs', total: n(21_474_836_480), used: n(5_543_862_272) }],
  };
}

const number = /"(?:-?\d+(?:\.\d+)?)"|(?<=[:[,])-?\d+(?:\.\d+)?/g;

describe.each([
  ['texts', true],
  ['numbers', false],
])('numbers as %s', (_, quoted) => {
  const text = JSON.stringify([fullVm(quoted)]);
  const places = [...text.matchAll(number)];

  it('every number takes every form, and is read as a plain reader reads it', async () => {
    const chain = new Chain(host, ID);
    expect(places.length).toBeGreaterThan(55);
    for (const [index, place] of places.entries()) {
      for (const [turn, odd] of oddNumbers.entries()) {
        // Every form at some place, and at every place some forms; all of them take their time.
        if (!soak && (turn + index) % 5 > 0) continue;
        for (const form of [JSON.stringify(odd), odd]) {
          const rest = text.slice(place.index + place[0].length);
          // From a good answer to the odd one each time.
          expect(await chain.step(Buffer.from(answer(text)))).toBeNull();
          const body = answer(`${text.slice(0, place.index)}${form}${rest}`);
          const wrong = await chain.step(Buffer.from(body));
          if (wrong !== null) expect.fail(`${wrong} for ${form} at ${text.slice(place.index - 20, place.index)}`);
        }
      }
    }
  });

  it('every text, number and word may be another one', async () => {
    const chain = new Chain(host, ID);
    const values = /"(?:[^"\\]|\\.)*"(?!\s*:)|(?<=[:[,])(?:-?\d[\d.]*|true|false|null)/g;
    for (const place of text.matchAll(values)) {
      const rest = text.slice(place.index + place[0].length);
      for (const other of [
        '"other"',
        '"7"',
        '7',
        'null',
        'true',
        'false',
        '{}',
        '[]',
        '"a\\u0041"',
        '"\ud83d\ude00"',
      ]) {
        expect(await chain.step(Buffer.from(answer(text)))).toBeNull();
        const body = answer(`${text.slice(0, place.index)}${other}${rest}`);
        const wrong = await chain.step(Buffer.from(body));
        if (wrong !== null) expect.fail(`${wrong} for ${other} at ${text.slice(place.index - 20, place.index)}`);
      }
    }
  });
});

it('every member that a decoder looks at is known as measured or as state', () => {
  const asked = new Map<string, Set<string>>();
  /** The object, with every look at it written down under its path. */
  const watched = (path: string, value: unknown): unknown => {
    if (Array.isArray(value)) return value.map((item) => watched(`${path}[]`, item));
    if (typeof value !== 'object' || value === null) return value;
    const names = asked.get(path) ?? new Set();
    asked.set(path, names);
    const copy = Object.fromEntries(
      Object.entries(value).map(([name, member]) => [name, watched(`${path}.${name}`, member)]),
    );
    return new Proxy(copy, {
      get: (target, name) => {
        names.add(String(name));
        return Reflect.get(target, name) as unknown;
      },
    });
  };
  const known: readonly [string, ReadonlySet<string>][] = [
    ['vm', new Set([...vmMembers.measured.keys(), ...vmMembers.state, ...vmParts.keys()])],
    ...[...vmParts].map(([part, { members, within }]): [string, ReadonlySet<string>] => [
      { itself: `vm.${part}`, map: `vm.${part}.${part === 'network' ? 'vnet0' : 'vda'}`, list: `vm.${part}[]` }[within],
      new Set([...members.measured.keys(), ...members.state]),
    ]),
  ];
  for (const quoted of [true, false]) {
    for (const more of [{}, { displayInfo: undefined }, { status: 'Down' }, { disksUsage: null }]) {
      const vm = watched('vm', { ...fullVm(quoted), ...more }) as Json;
      const report = decodeVm(new Reader(vm, '', new Problems()), { vmId: 'v', host, kind: 'poll' });
      report?.statistics();
      report?.jobs();
    }
  }
  for (const [path, names] of known) {
    const unknown = [...(asked.get(path) ?? [])].filter((name) => !names.has(name));
    expect([path, unknown]).toEqual([path, []]);
    expect(asked.get(path)?.size).toBeGreaterThan(0);
  }
});
