import { expect, onTestFinished } from 'vitest';
import { HttpFetcher, type HttpFetcherOptions } from '../../../src/fetcher/index.js';
import { CountedIds, VurtiError } from '../../../src/kernel/index.js';
import type { HostEndpoint, VdsStatsReport } from '../../../src/model/index.js';
import { ways } from './gateway.js';

/** A fetcher that is closed at the end of the test. */
export function newFetcher(options: Partial<HttpFetcherOptions> = {}): HttpFetcher {
  const fetcher = new HttpFetcher({ ids: new CountedIds(), ownSockets: ways.ownSockets, ...options });
  onTestFinished(() => fetcher.close());
  return fetcher;
}

export const limits = (maxAnswerMiB: number, maxInFlight = 2) => ({ limitsOf: () => ({ maxAnswerMiB, maxInFlight }) });

/** Options of a call that nobody gives up. */
export const patient = () => ({ signal: new AbortController().signal });

/** One question to a host, by a fetcher of its own. */
export const ask = (host: HostEndpoint, maxAnswerMiB = 4): Promise<VdsStatsReport> =>
  newFetcher(limits(maxAnswerMiB)).getStats(host, patient());

/** The error that a call rejects with, which must be one of ours. */
export async function failureOf(call: Promise<unknown>): Promise<VurtiError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof VurtiError) return error;
    throw error;
  }
  throw new Error('The call did not fail');
}

/** What every message must be: one printable line that names host and address. */
export const oneLine = /^kvm-07 \(127\.0\.0\.1:\d+\) [^\p{Cc}\p{Cs}]{1,500}$/u;

/** What a call fails with, and what its message must look like. */
export async function expectFailure(call: Promise<unknown>, code: string, text: string | RegExp): Promise<void> {
  const error = await failureOf(call);
  expect([error.code, error.message]).toEqual([code, expect.stringMatching(text)]);
  expect(error.message).toMatch(oneLine);
}
