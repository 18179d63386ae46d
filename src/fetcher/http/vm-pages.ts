import { badAnswer, type Question } from '../agent-errors.js';
import { isObject } from '../decode/reader.js';
import { ReadPage } from '../differential/vm-memory.js';
import type { VmPass } from '../differential/vm-stats-reader.js';
import { excerptOf } from '../text.js';

/** No list is longer: with the smallest sensible page of 100 VMs this is far beyond what a host runs. */
const MAX_PAGES = 1000;
const LONGEST_MARKER = 4096;

/** Where the next page begins, in the agent's own terms. */
export type Marker = string | number;

/**
 * Gives all pages of the VM list to one pass. `askPage` is given the marker that the page before named, unchanged. It is all
 * or nothing: if any page fails the whole pass fails, because absence from half a list means nothing.
 */
export async function collectPages(
  question: Question,
  pass: VmPass,
  askPage: (marker: Marker | undefined) => Promise<unknown>,
): Promise<void> {
  const seen = new Set<Marker>();
  let marker: Marker | undefined;
  for (let page = 1; page <= MAX_PAGES; page++) {
    const next = takePage(question, pass, await askPage(marker));
    if (next === undefined) return;
    if (seen.has(next))
      throw badAnswer(question, `page ${page} names a marker for the second time: ${excerptOf(next)}`);
    seen.add(next);
    marker = next;
  }
  throw badAnswer(question, `the list does not end after ${MAX_PAGES} pages`);
}

/** Gives where the next page begins. */
function takePage(question: Question, pass: VmPass, result: unknown): Marker | undefined {
  if (result instanceof ReadPage) return result.next ?? undefined;
  const { items, next } = pageOf(question, result);
  pass.add(items);
  return next;
}

/** A plain list is an agent that does not page. */
function pageOf(question: Question, result: unknown): { items: readonly unknown[]; next: Marker | undefined } {
  if (Array.isArray(result)) return { items: result, next: undefined };
  const items = isObject(result) ? result['items'] : undefined;
  if (!isObject(result) || !Array.isArray(items)) {
    throw badAnswer(question, `the result is neither a list nor a page of one but ${excerptOf(result)}`);
  }
  const next = result['next'] ?? undefined;
  if (next === undefined || next === '') return { items, next: undefined };
  if (typeof next === 'number' || (typeof next === 'string' && next.length <= LONGEST_MARKER)) return { items, next };
  throw badAnswer(question, `its marker of the next page is no text: ${excerptOf(next)}`);
}
