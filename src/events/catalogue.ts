import { about, type CatalogueEntry } from './catalogue-entry.js';
import { hostEvents } from './host-events.js';
import { vmEvents } from './vm-events.js';

export { type CatalogueEntry, type Severity, severityIds } from './catalogue-entry.js';

const service = about('service');

const serviceEvents = {
  EVENTS_HELD_BACK: service(
    20003,
    'NORMAL',
    0,
    '{Event} repeated {Count}× from {From} to {To}, held back ({Why}); the last one: {Last}',
    'Summary of events that flood control or flap damping held back (D24); its severity is theirs.',
  ),
  EVENTS_FLAPPING: service(
    20004,
    'WARNING',
    0,
    '{Changes} changes in {Seconds}s ({Event}): further ones are counted, not shown, until it is quiet for {QuietSeconds}s. Now: {Last}',
    'A value goes to and fro (flap.changes within flap.windowSeconds). Its changes are in the log all the same.',
  ),
  CLIENT_CERTIFICATE_EXPIRING: service(
    20008,
    'WARNING',
    0,
    'our own certificate for agents expires in {Days} days, on {Date}: no agent will accept it then',
    'Within agents.tls.warnDaysBeforeExpiry of its end; once per certificate.',
  ),
} as const;

/**
 * Every event that vurti raises. Names, ids, severities and flood times of oVirt's events are oVirt's; the wording is
 * ours. `docs/events.md` is generated from here. Entries are added, never renamed or renumbered.
 */
export const catalogue = { ...hostEvents, ...vmEvents, ...serviceEvents } as const satisfies Record<
  string,
  CatalogueEntry
>;

export type EventName = keyof typeof catalogue;

/** The message of an event. A parameter that is missing shows as "-". */
export function formatMessage(name: EventName, values: Readonly<Record<string, string>>): string {
  return catalogue[name].text.replaceAll(/\{(\w+)\}/g, (_, key: string) => values[key] ?? '-').trim();
}
