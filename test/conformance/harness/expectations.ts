import { type Facts, type Failures, factsOf, isFacts, listOf, show, textOf } from './case.js';

/** An event as the harness saw it. */
export interface SeenEvent {
  readonly name: string;
  readonly vm: string | null;
  readonly host: string | null;
  readonly params: Readonly<Record<string, string>>;
}

/** An effect handed to the host application, in the words of the cases. */
export interface SeenAction {
  readonly kind: string;
  readonly host: string | null;
  readonly vm: string | null;
}

/** `events` must occur (none, if the list is empty), `notEvents` must not. */
export function checkEvents(expect: Facts, seen: readonly SeenEvent[], failures: Failures): void {
  if (Array.isArray(expect['events'])) {
    const wanted = listOf(expect['events']).map(factsOf);
    if (wanted.length === 0 && seen.length > 0) failures.push(`events: none expected, got ${names(seen)}`);
    const left = [...seen];
    for (const event of wanted) {
      const at = left.findIndex((one) => fits(event, one));
      if (at < 0) failures.push(`event ${show(event)} is missing; got ${show(seen)}`);
      else left.splice(at, 1);
    }
  }
  for (const name of listOf(expect['notEvents'])) {
    if (seen.some((event) => event.name === name)) failures.push(`event ${textOf(name)} must not occur`);
  }
}

function fits(wanted: Facts, event: SeenEvent): boolean {
  if (wanted['type'] !== event.name) return false;
  if (typeof wanted['vm'] === 'string' && wanted['vm'] !== event.vm) return false;
  return Object.entries(factsOf(wanted['params'])).every(([name, value]) => event.params[name] === textOf(value));
}

const names = (events: readonly SeenEvent[]): string => events.map((event) => event.name).join(', ');

/** `actions` must be taken (none, if the list is empty), `notActions` must not. */
export function checkActions(expect: Facts, seen: readonly SeenAction[], failures: Failures): void {
  if (Array.isArray(expect['actions'])) {
    const wanted = listOf(expect['actions']);
    if (wanted.length === 0 && seen.length > 0) failures.push(`actions: none expected, got ${show(seen)}`);
    for (const action of wanted) {
      if (!seen.some((one) => isAction(action, one)))
        failures.push(`action ${show(action)} is missing; got ${show(seen)}`);
    }
  }
  for (const action of listOf(expect['notActions'])) {
    if (seen.some((one) => isAction(action, one))) failures.push(`action ${show(action)} must not be taken`);
  }
}

function isAction(wanted: unknown, seen: SeenAction): boolean {
  if (typeof wanted === 'string') return seen.kind === wanted;
  const [entry] = Object.entries(factsOf(wanted));
  if (entry === undefined) return false;
  const [kind, whom] = entry;
  return seen.kind === kind && (seen.host === whom || seen.vm === whom);
}

/** Only the keys that are listed are looked at; null asks for null or "none". */
export function checkValues(what: string, expect: unknown, read: (key: string) => unknown, failures: Failures): void {
  if (!isFacts(expect)) return;
  for (const [key, wanted] of Object.entries(expect)) {
    const got = read(key);
    if (!sameOutcome(wanted, got)) failures.push(`${what}.${key}: expected ${show(wanted)}, got ${show(got)}`);
  }
}

export function sameOutcome(wanted: unknown, got: unknown): boolean {
  if (wanted === null) return got === null || got === undefined || (Array.isArray(got) && got.length === 0);
  if (typeof got === 'bigint') return String(got) === String(wanted);
  if (typeof wanted === 'number' && typeof got === 'number') {
    return Math.abs(wanted - got) <= 1e-9 * Math.max(1, Math.abs(wanted));
  }
  if (Array.isArray(wanted) && Array.isArray(got)) {
    return wanted.length === got.length && wanted.every((item, i) => sameOutcome(item, got[i]));
  }
  if (isFacts(wanted) && isFacts(got)) {
    const keys = Object.keys(wanted);
    return keys.length === Object.keys(got).length && keys.every((key) => sameOutcome(wanted[key], got[key]));
  }
  return wanted === got;
}
