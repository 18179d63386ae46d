import { expect, it } from 'vitest';
import { type Cause, type LogRecordDraft, numberedRecord } from '../../src/events/index.js';
import { CountedIds } from '../../src/kernel/index.js';
import { RecordMaker } from '../../src/updater/record-maker.js';
import { host, vm } from '../support/entities.js';

const about = { host: host('h1'), vm: vm('v1', 'Up') };
const cause: Cause = { rule: 'a.rule', source: { by: 'command', at: 5 } };
const incident = { correlation: 'c', parent: 'p' };
const maker = new RecordMaker(new CountedIds(), 'manager');
const drafts: readonly LogRecordDraft[] = [
  maker.change(about, 'vm', 'changed', [{ path: 'status', from: 'Down', to: 'Up' }], cause, 7, incident),
  maker.clusterChange({ entity: 'cluster', entityId: 'c1', clusterId: 'c1', what: 'added', changes: [] }, cause, 7),
  maker.event(about, { name: 'VM_DOWN', params: { ExitMessage: 'x' }, customId: 'one' }, cause, 7, incident),
  maker.intent(about, { intent: 'destroy', evidence: { reported: 'Down' } }, cause, 7, incident),
];

it.each(drafts.map((draft) => [draft.kind, draft] as const))('a record is its draft with a number: %s', (_, draft) => {
  const before = structuredClone(draft);
  expect(numberedRecord(draft, 3, 'e1.3')).toEqual({ ...draft, seq: 3, cursor: 'e1.3' });
  expect(draft).toEqual(before);
});

it('what another version has put into a record is kept, and nothing is missed that it has not', () => {
  const [change] = drafts as [LogRecordDraft];
  const newer: LogRecordDraft = Object.assign({ ...change }, { more: [1] });
  expect(numberedRecord(newer, 3, 'e1.3')).toEqual({ ...newer, seq: 3, cursor: 'e1.3' });
  const { correlation, ...older } = change;
  expect(numberedRecord(older as LogRecordDraft, 3, 'e1.3')).toEqual({ ...older, seq: 3, cursor: 'e1.3' });
});

it('records of one kind list their fields in one order, so that they share a shape', () => {
  const [one, other] = drafts as [LogRecordDraft, LogRecordDraft];
  expect(Object.keys(other)).not.toEqual(Object.keys(one));
  expect(Object.keys(numberedRecord(other, 1, 'a'))).toEqual(Object.keys(numberedRecord(one, 2, 'b')));
});
