import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ConformanceCase } from './harness/case.js';
import { runCase } from './harness/run.js';

const folder = new URL('cases/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.json') && name !== 'vocabulary.json');

describe.each(files)('%s', (file) => {
  const cases = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as ConformanceCase[];
  it.each(cases.map((c): [string, string, ConformanceCase] => [c.id, c.title, c]))('%s %s', async (_, __, c) => {
    expect((await runCase(c)).failures).toEqual([]);
  });
});
