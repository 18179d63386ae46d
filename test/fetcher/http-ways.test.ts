import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe } from 'vitest';
import { ways } from './support/gateway.js';

/** Whatever way an answer takes, it is the same answer: all tests of the HTTP fetcher again. */
const others = [
  ['answers in pieces', { chunked: true, ownSockets: true }],
  ['Node’s own client', { chunked: false, ownSockets: false }],
  ['Node’s own client, answers in pieces', { chunked: true, ownSockets: false }],
] as const;

describe.each(others)('%s', async (name, way) => {
  const before = { ...ways };
  beforeAll(() => {
    Object.assign(ways, way);
  });
  afterAll(() => {
    Object.assign(ways, before);
  });
  for (const file of ['http-broken', 'http-fetcher', 'http-hostile', 'http-limits', 'http-paging', 'http-tls']) {
    // Another query is another module, whose tests belong here.
    const path = `${fileURLToPath(new URL(`${file}.test.ts`, import.meta.url))}?${encodeURIComponent(name)}`;
    await import(/* @vite-ignore */ path);
  }
});
