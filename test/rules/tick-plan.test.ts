import { describe, expect, it } from 'vitest';
import { notMonitored, type VdsStatus, vdsStatusIds } from '../../src/model/index.js';
import { type TickInput, tickPlan, tickRows } from '../../src/rules/index.js';

const statuses = Object.keys(vdsStatusIds) as VdsStatus[];
const base = { ticksPerInterval: 5, capabilitiesRead: true, multiple: 1 };

const asked = (input: Partial<TickInput> & { status: VdsStatus; tick: number }): string[] =>
  tickPlan({ ...base, ...input }).calls.map((call) => call.method.replace('Host.', ''));
const ticksThatAsk = (method: string, upTo: number, input: Partial<TickInput> & { status: VdsStatus }): number[] =>
  Array.from({ length: upTo }, (_, i) => i + 1).filter((tick) => asked({ ...input, tick }).includes(method));

describe('tick plan', () => {
  it.each<[VdsStatus, string[], string[]]>([
    ['Up', ['getStats', 'getAllVmStats'], []],
    ['Error', ['getStats', 'getAllVmStats'], []],
    ['NonOperational', ['getStats', 'getAllVmStats'], []],
    ['PreparingForMaintenance', ['getStats', 'getAllVmStats'], ['getStats']],
    ['Unassigned', ['getCapabilities', 'getHardwareInfo'], ['getCapabilities', 'getHardwareInfo']],
    ['NonResponsive', ['getCapabilities', 'getHardwareInfo'], ['getCapabilities', 'getHardwareInfo']],
    ['Connecting', ['getCapabilities', 'getHardwareInfo'], ['getCapabilities', 'getHardwareInfo']],
    ['Initializing', ['getCapabilities', 'getHardwareInfo'], ['getCapabilities', 'getHardwareInfo']],
  ])('%s: statistics tick and other ticks', (status, onStatisticsTick, onOthers) => {
    expect(asked({ status, tick: 1 })).toEqual(onStatisticsTick);
    expect(asked({ status, tick: 6 })).toEqual(onStatisticsTick);
    for (const tick of [2, 3, 4, 5, 7]) expect(asked({ status, tick })).toEqual(onOthers);
  });

  it.each([...notMonitored])('%s: nothing is ever asked', (status) => {
    for (let tick = -3; tick <= 12; tick++) {
      expect(asked({ status, tick })).toEqual([]);
      expect(asked({ status, tick, capabilitiesRead: false })).toEqual([]);
    }
  });

  it('has the first tick as a statistics tick, then every N-th', () => {
    expect(ticksThatAsk('getStats', 12, { status: 'Up' })).toEqual([1, 6, 11]);
    expect(ticksThatAsk('getAllVmStats', 12, { status: 'Up' })).toEqual([1, 6, 11]);
    expect(ticksThatAsk('getStats', 4, { status: 'Up', ticksPerInterval: 1 })).toEqual([1, 2, 3, 4]);
    expect(ticksThatAsk('getStats', 7, { status: 'Up', ticksPerInterval: 3 })).toEqual([1, 4, 7]);
  });

  it('reads capabilities again when they are old, with the statistics of a host that stays', () => {
    const old = { capabilitiesOld: true };
    expect(asked({ status: 'Up', tick: 6, ...old })).toEqual(['getStats', 'getAllVmStats', 'getCapabilities']);
    expect(asked({ status: 'Up', tick: 7, ...old })).toEqual([]);
    expect(asked({ status: 'PreparingForMaintenance', tick: 6, ...old })).toEqual(['getStats', 'getAllVmStats']);
    expect(asked({ status: 'Maintenance', tick: 6, ...old })).toEqual([]);
    expect(asked({ status: 'Up', tick: 6, capabilitiesRead: false, ...old })).toHaveLength(3);
  });

  it('reads capabilities of a host in contact once, after its statistics', () => {
    expect(asked({ status: 'Up', tick: 1, capabilitiesRead: false })).toEqual([
      'getStats',
      'getAllVmStats',
      'getCapabilities',
    ]);
    expect(asked({ status: 'PreparingForMaintenance', tick: 1, capabilitiesRead: false })).toContain('getCapabilities');
    expect(ticksThatAsk('getCapabilities', 12, { status: 'Up', capabilitiesRead: false })).toEqual([1, 6, 11]);
    expect(ticksThatAsk('getCapabilities', 12, { status: 'Up' })).toEqual([]);
  });

  it('looks for contact before the first statistics tick, and measures nothing before it', () => {
    for (let tick = -8; tick <= 0; tick++) {
      expect(asked({ status: 'Unassigned', tick })).toContain('getCapabilities');
      expect(asked({ status: 'Up', tick })).toEqual([]);
    }
  });

  it('skips whole intervals of a host in contact by the multiple', () => {
    expect(ticksThatAsk('getStats', 31, { status: 'Up', multiple: 3 })).toEqual([1, 16, 31]);
    expect(ticksThatAsk('getStats', 7, { status: 'PreparingForMaintenance', multiple: 2 })).toEqual([1, 3, 5, 7]);
    expect(ticksThatAsk('getAllVmStats', 11, { status: 'PreparingForMaintenance', multiple: 2 })).toEqual([1, 11]);
    expect(ticksThatAsk('getStats', 8, { status: 'PreparingForMaintenance', multiple: 3 })).toEqual([1, 4, 7]);
    expect(ticksThatAsk('getStats', 17, { status: 'Up', multiple: 2, ticksPerInterval: 4 })).toEqual([1, 9, 17]);
  });

  it('tries a host without contact again after as many ticks as the multiple says', () => {
    const at = (ticksSinceTried: number) => asked({ status: 'NonResponsive', tick: 9, multiple: 4, ticksSinceTried });
    expect([1, 2, 3].flatMap(at)).toEqual([]);
    expect(at(4)).toEqual(['getCapabilities', 'getHardwareInfo']);
    expect(at(40)).toEqual(['getCapabilities', 'getHardwareInfo']);
    expect(asked({ status: 'NonResponsive', tick: 9, multiple: 4 })).not.toEqual([]);
  });

  it('knows every status at every tick, and uses every row', () => {
    const used = new Set<string>();
    for (const status of statuses) {
      for (const capabilitiesRead of [true, false]) {
        for (let tick = -5; tick <= 11; tick++) {
          for (const multiple of [1, 2]) {
            used.add(tickPlan({ ...base, status, tick, capabilitiesRead, multiple }).name);
            used.add(tickPlan({ ...base, status, tick, capabilitiesRead, multiple, ticksSinceTried: 1 }).name);
            used.add(tickPlan({ ...base, status, tick, capabilitiesRead, multiple, capabilitiesOld: true }).name);
          }
        }
      }
    }
    expect(used).toEqual(new Set(tickRows.map((row) => row.name)));
  });
});
