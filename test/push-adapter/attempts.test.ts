import { describe, expect, it } from 'vitest';
import { type ErrorCode, seconds } from '../../src/kernel/index.js';
import { type Behaviour, type Method, World } from './fakes.js';

/** One poked cycle of an Up host, or of one without contact; what it published, sorted. */
async function cycle(status: 'Up' | 'Connecting', behaviours: Partial<Record<Method, Behaviour>>) {
  const world = new World({ judging: false }).host('h', status);
  for (const [method, behaviour] of Object.entries(behaviours)) world.fetcher.on('h', behaviour, method as Method);
  world.adapter.start();
  world.adapter.poke('h');
  await world.time.runFor(2);
  await world.time.runUntil(() => world.adapter.stats().inFlight === 0, { within: seconds(65) });
  const { total, failed } = world.adapter.stats();
  await world.adapter.stop();
  return {
    names: world.names().sort(),
    errors: world.evidence.flatMap((e) => ('error' in e ? [e.error.code] : [])),
    total,
    failed,
  };
}

const silent: ErrorCode[] = [
  'AGENT_UNREACHABLE',
  'AGENT_UNKNOWN_HOST',
  'AGENT_TIMEOUT',
  'AGENT_BAD_ANSWER',
  'AGENT_ANSWER_TOO_LARGE',
  'AGENT_REDIRECTED',
  'AGENT_TLS',
  'AGENT_CERT_REFUSED',
  'AGENT_NETWORK',
];

describe('an attempt is a cycle with a failed transport and no successful answer', () => {
  it.each<[Behaviour, Behaviour, string[]]>([
    ['ok', 'ok', ['VdsStatsReceived', 'VmStatsReceived']],
    ['ok', 'AGENT_UNREACHABLE', ['VdsStatsReceived', 'VmStatsFailed']],
    ['ok', 'hang', ['VdsStatsReceived', 'VmStatsFailed']],
    ['ok', 'AGENT_ERROR', ['VdsStatsReceived', 'VmStatsFailed']],
    ['ok', 'AGENT_BUSY', ['VdsStatsReceived']],
    ['ok', 'AGENT_RECOVERING', ['VdsRecovering', 'VdsStatsReceived']],
    ['ok', 'AGENT_ABORTED', ['VdsStatsReceived']],
    ['AGENT_UNREACHABLE', 'ok', ['VmStatsReceived']],
    ['hang', 'ok', ['VmStatsReceived']],
    ['AGENT_UNREACHABLE', 'AGENT_UNREACHABLE', ['VdsUnreachable']],
    ['hang', 'hang', ['VdsUnreachable']],
    ['hang', 'AGENT_BAD_ANSWER', ['VdsUnreachable']],
    ['AGENT_NETWORK', 'AGENT_ERROR', ['VdsUnreachable', 'VmStatsFailed']],
    ['AGENT_UNREACHABLE', 'AGENT_BUSY', ['VdsUnreachable']],
    ['AGENT_UNREACHABLE', 'AGENT_RECOVERING', ['VdsRecovering', 'VdsUnreachable']],
    ['AGENT_ERROR', 'ok', ['VdsCallFailed', 'VmStatsReceived']],
    ['AGENT_ERROR', 'AGENT_ERROR', ['VdsCallFailed', 'VmStatsFailed']],
    ['AGENT_ERROR', 'AGENT_UNREACHABLE', ['VdsCallFailed', 'VdsUnreachable']],
    ['AGENT_BUSY', 'AGENT_BUSY', []],
    ['AGENT_BUSY', 'ok', ['VmStatsReceived']],
    ['AGENT_RECOVERING', 'AGENT_RECOVERING', ['VdsRecovering']],
    ['AGENT_ABORTED', 'AGENT_ABORTED', []],
    // A bug of ours is not the host's silence.
    ['INTERNAL', 'INTERNAL', ['VdsCallFailed', 'VmStatsFailed']],
    ['OBSERVER_MODE', 'ok', ['VdsCallFailed', 'VmStatsReceived']],
  ])('getStats %j, getAllVmStats %j: %j', async (getStats, getAllVmStats, names) => {
    expect((await cycle('Up', { getStats, getAllVmStats })).names).toEqual(names);
  });

  it.each(silent)('%s counts, with either call and both', async (code) => {
    expect((await cycle('Up', { getStats: code, getAllVmStats: code })).names).toEqual(['VdsUnreachable']);
    expect((await cycle('Up', { getStats: code, getAllVmStats: 'AGENT_BUSY' })).errors).toEqual([code]);
    expect((await cycle('Up', { getStats: 'ok', getAllVmStats: code })).names).toContain('VmStatsFailed');
    expect((await cycle('Up', { getStats: code, getAllVmStats: 'ok' })).names).toEqual(['VmStatsReceived']);
  });

  it.each<[Behaviour, Behaviour, string[]]>([
    ['ok', 'ok', ['VdsCapabilitiesReceived', 'VdsHardwareInfoReceived']],
    ['AGENT_UNREACHABLE', 'AGENT_UNREACHABLE', ['VdsUnreachable']],
    ['AGENT_UNREACHABLE', 'hang', ['VdsUnreachable']],
    ['hang', 'hang', ['VdsUnreachable']],
    ['hang', 'ok', ['VdsHardwareInfoReceived']],
    ['ok', 'hang', ['VdsCapabilitiesReceived']],
    ['AGENT_ERROR', 'ok', ['VdsCallFailed', 'VdsHardwareInfoReceived']],
    ['AGENT_ERROR', 'AGENT_ERROR', ['VdsCallFailed', 'VdsCallFailed']],
    ['AGENT_RECOVERING', 'AGENT_RECOVERING', ['VdsRecovering']],
    ['AGENT_RECOVERING', 'ok', ['VdsHardwareInfoReceived', 'VdsRecovering']],
  ])('without contact: getCapabilities %j, getHardwareInfo %j: %j', async (getCapabilities, getHardwareInfo, names) => {
    expect((await cycle('Connecting', { getCapabilities, getHardwareInfo })).names).toEqual(names);
  });

  it('counts polls and failed polls', async () => {
    expect(await cycle('Up', {})).toMatchObject({ total: 1, failed: 0 });
    expect(await cycle('Up', { getStats: 'AGENT_ERROR', getAllVmStats: 'AGENT_ERROR' })).toMatchObject({ failed: 1 });
    expect(await cycle('Up', { getStats: 'hang', getAllVmStats: 'hang' })).toMatchObject({ total: 1, failed: 1 });
    expect(await cycle('Up', { getStats: 'AGENT_BUSY', getAllVmStats: 'AGENT_BUSY' })).toMatchObject({ failed: 0 });
    expect(await cycle('Up', { getStats: 'hang' })).toMatchObject({ total: 1, failed: 0 });
  });
});
