import { describe, expect, it } from 'vitest';
import { parseStat, treeCpu } from '../../bench/support/cpu.js';
import { median, quantile, rounded, shown } from '../../bench/support/numbers.js';
import { summary } from '../../bench/support/profile.js';

describe('numbers', () => {
  it.each([
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
    [[7], 7],
    [[], Number.NaN],
  ])('median of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  it('a quantile is one of the values', () => {
    const values = Array.from({ length: 200 }, (_, n) => 200 - n);
    expect([quantile(values, 0.5), quantile(values, 0.99), quantile(values, 0), quantile([], 0.5)]).toEqual([
      ...[100, 198, 1],
      Number.NaN,
    ]);
  });

  it('shows three digits that mean something', () => {
    expect([0, 0.0312, 1.234, 12.34, 123.4, 12_345.6, Number.NaN].map(shown)).toEqual([
      ...['0', '0.031', '1.23', '12.3', '123', '12,346', '–'],
    ]);
  });

  it('rounds for files, where NaN and Infinity have no place', () => {
    expect([1.23456, 0, 1 / 0, Number.NaN].map(rounded)).toEqual([1.235, 0, null, null]);
  });
});

describe('CPU time of processes', () => {
  it('reads a line of /proc/PID/stat whose name has blanks and brackets', () => {
    const fields = [...'S 42 1 1 0 -1 4194560 100 200 0 0 7 5 3 2 20 0'.split(' ')];
    expect(parseStat(`99 (postgres: a) b) ${fields.join(' ')}`)).toEqual({ ppid: 42, own: 12, children: 5 });
  });

  it.runIf(process.platform === 'linux')('finds this process', () => {
    const until = process.cpuUsage().user + 50_000;
    while (process.cpuUsage().user < until);
    expect(treeCpu(process.pid)).toBeGreaterThanOrEqual(40_000);
  });
});

it('a profile counts what Node does within a call for its caller, idle time not at all, and names no place', () => {
  const frame = (functionName: string, url: string) => ({
    callFrame: { functionName, url, scriptId: '0', lineNumber: 4, columnNumber: 0 },
  });
  const profile = {
    nodes: [
      { id: 1, ...frame('(root)', ''), children: [2, 3, 5] },
      { id: 2, ...frame('(idle)', '') },
      { id: 3, ...frame('post', 'file:///home/me/vurti/.bench/src/fetcher/http.js'), children: [4] },
      { id: 4, ...frame('writev', 'node:net') },
      { id: 5, ...frame('(garbage collector)', '') },
    ],
    ...{ startTime: 0, endTime: 110, samples: [2, 3, 4, 5], timeDeltas: [10, 50, 30, 20] },
  };
  const { parts, functions } = summary(profile, 9);
  expect(parts).toEqual([
    { part: 'src/fetcher', 'self %': 50, 'with Node %': 80 },
    { part: '(garbage collector)', 'self %': 20, 'with Node %': 20 },
    { part: 'node', 'self %': 30, 'with Node %': 0 },
  ]);
  expect(functions.map((row) => row['function'])).toEqual([
    'post src/fetcher/http.js:5',
    'writev node:net:5',
    '(garbage collector)',
  ]);
});
