import { expect, it } from 'vitest';
import { ParsedVmStatsReport } from '../../src/fetcher/decode/vm-stats-report.js';
import { host } from './support/fixtures.js';

/** Nanoseconds of one operation, as read (§4.12). */
it.each([
  ['a text', { writeLatency: '206866.25' }, 206_866.25],
  ['a number', { writeLatency: 7 }, 7],
  ['thirty years', { writeLatency: '999999999000000000' }, 999_999_999_000_000_000],
  ['null: nothing was written, so nothing took time', { writeLatency: null }, 0],
  ['not sent: not known', {}, null],
  ['no number: not known', { writeLatency: 'slow' }, null],
  ['longer than anything', { writeLatency: '1e30' }, null],
])('latency of a disk that is %s', (_, fields, ns) => {
  const vm = { vmId: 'v1', status: 'Up', disks: { vda: { imageID: 'i1', ...fields } } };
  const report = new ParsedVmStatsReport(host, [vm]);
  expect(report.get('v1')?.statistics()?.disks?.[0]?.writeLatencyNs).toBe(ns);
});
