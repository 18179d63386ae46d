import { describe, expect, it } from 'vitest';
import { type CatalogueEntry, catalogue, type EventName, formatMessage, severityIds } from '../../src/events/index.js';

const entries = Object.entries(catalogue) as [EventName, CatalogueEntry][];
/** From here on ids are ours; below they are oVirt's. */
const OURS = 20_000;

describe('catalogue', () => {
  it('has no id twice', () => {
    const names = new Map<number, string[]>();
    for (const [name, { id }] of entries) names.set(id, [...(names.get(id) ?? []), name]);
    expect([...names.values()].filter((same) => same.length > 1)).toEqual([]);
  });

  it('has our own events from 20000 on, and oVirt’s below', () => {
    const ours = entries.filter(([, { id }]) => id >= OURS).map(([name]) => name);
    expect(ours).toEqual(expect.arrayContaining(['VM_DOWN_UNOBSERVED', 'VM_RUNNING_ON_TWO_HOSTS']));
    // Names that oVirt has must bear oVirt's number: people search for it.
    const knownIds = { VM_DOWN: 61, VM_DOWN_ERROR: 119, VDS_FAILURE: 12, VDS_DETECTED: 13, VM_PAUSED: 1025 } as const;
    for (const [name, id] of Object.entries(knownIds)) expect(catalogue[name as EventName].id).toBe(id);
  });

  it.each(entries)('%s says when it is raised and what it means', (name, entry) => {
    expect(name).toMatch(/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/);
    expect(entry.doc).toMatch(/^\S.*\.$/);
    expect(entry.text).toMatch(/^\S.*\S$/);
    expect(Object.keys(severityIds)).toContain(entry.severity);
    expect(Number.isInteger(entry.floodSeconds) && entry.floodSeconds >= 0).toBe(true);
    // {host} and {vm} are filled in by the recorder, the others by the rule that raises the event.
    const used = [...entry.text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    expect(entry.params).toEqual(used.filter((param) => param !== 'host' && param !== 'vm'));
  });

  it('keeps severities and flood times of oVirt (§5)', () => {
    const of = (name: EventName) => [catalogue[name].severity, catalogue[name].floodSeconds];
    expect(of('VDS_HOST_NOT_RESPONDING')).toEqual(['WARNING', 180]);
    expect(of('VDS_HOST_NOT_RESPONDING_CONNECTING')).toEqual(['WARNING', 0]);
    expect(of('VDS_INITIALIZING')).toEqual(['WARNING', 30]);
    expect(of('VDS_RECOVER_FAILED')).toEqual(['ERROR', 60]);
    expect(of('VM_DOWN_ERROR')).toEqual(['ERROR', 0]);
    expect(of('VM_RUNNING_ON_TWO_HOSTS')).toEqual(['ALERT', 0]);
  });
});

describe('formatMessage', () => {
  it('fills the parameters in', () => {
    expect(formatMessage('VM_DOWN_ERROR', { ExitMessage: 'Exit message: boom' })).toBe(
      'is down with error. Exit message: boom',
    );
  });

  it('shows a parameter that is missing as -', () => {
    expect(formatMessage('VM_MIGRATION_ABORT', { vm: 'web1' })).toBe('migration of web1 was aborted: -');
  });

  it('leaves no space where a parameter is empty', () => {
    expect(formatMessage('VM_DOWN', { vm: 'web1', ExitMessage: ' ' })).toBe('is down.');
  });

  it('takes values as they are: no pattern in them is replaced again', () => {
    const hostile = '{vm} $& $1 {ExitMessage}';
    expect(formatMessage('VM_DOWN', { vm: 'web1', ExitMessage: hostile })).toBe(`is down. ${hostile}`);
  });
});
