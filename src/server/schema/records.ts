import { z } from 'zod';
import { intentKinds } from '../../monitor/index.js';
import { about, flag, text, textOrNull, time, timeOrNull, whole, wholeOrNull } from './parts.js';

const cause = z.object({
  rule: about(text, 'Name of the rule, docs/rules.md.'),
  by: about(z.enum(['poll', 'push', 'failure', 'inventory', 'command', 'timer', 'start']), 'What it followed from.'),
  at: about(time, 'When that was.'),
  host: about(textOrNull, 'Name of the host that was asked.'),
  seq: about(wholeOrNull, 'Counts the evidence of that host.'),
  code: about(textOrNull, 'Error code of a failure.'),
});

/** What all records of the log have. */
const record = z.object({
  cursor: about(text, 'Go on after it.'),
  time: about(time, 'When it was decided.'),
  host: about(textOrNull, 'Name of the host that it is about.'),
  hostId: textOrNull,
  vm: about(textOrNull, 'Name of the VM that it is about.'),
  vmId: textOrNull,
  clusterId: textOrNull,
  correlation: about(textOrNull, 'The same for all that belongs together.'),
  cause: about(cause, 'Why.'),
});

const fieldChange = z.object({
  path: about(text, 'Field of the model.'),
  from: z.unknown(),
  to: z.unknown(),
});

export const event = record.extend({
  name: about(text, 'Name of the event, docs/events.md.'),
  severity: z.enum(['NORMAL', 'WARNING', 'ERROR', 'ALERT']),
  message: about(text, 'For people.'),
  customId: textOrNull,
  eventId: about(text, 'Id of this event alone.'),
  parent: about(textOrNull, 'eventId of the event that this one is a part of.'),
  params: about(z.record(text, text), 'What stands in the message.'),
  changes: about(z.array(fieldChange).optional(), 'What changed with it; only when asked for.'),
});

export const change = record.extend({
  entity: z.enum(['host', 'vm', 'cluster', 'network']),
  entityId: text,
  what: z.enum(['added', 'changed', 'removed']),
  changes: about(z.array(fieldChange), 'Its fields; of what was added all that are not as at first.'),
});

export const intent = record.extend({
  intent: about(z.enum(intentKinds as [string, ...string[]]), 'What is advised.'),
  key: about(text, 'Do it once per key.'),
  round: about(whole, 'Counts what is advised again.'),
  since: about(timeOrNull, 'Since when its ground is there.'),
  advisory: about(flag, 'For information: beside an engine nobody acts on it.'),
  evidence: about(z.record(text, z.unknown()), 'What it is advised because of.'),
});

export const pendingIntent = intent.extend({
  cursor: about(textOrNull, 'Its place in the log; null when it was given before this process started.'),
  text: about(text, 'What is advised, in a sentence.'),
});

const gap = z.object({
  reason: about(z.enum(['removed', 'foreign', 'future']), 'Why records are missing.'),
  after: about(text, 'The cursor that was given.'),
  resumedAfter: about(text, 'Reading goes on after this one.'),
  missing: about(wholeOrNull, 'Records that are missing; null = not known.'),
  repeats: about(flag, 'Records that the reader has had may come again.'),
});

/** By the name in the `event:` line of a frame. */
export const streamFrames = {
  hello: z.object({
    apiVersion: z.literal('vurti/v1'),
    kind: z.literal('EventStream'),
    startedAt: time,
    cursor: text,
    exact: about(flag, 'Nothing is missing between the cursor that was given and what follows.'),
  }),
  event,
  change,
  intent,
  checkpoint: z.object({ cursor: about(text, 'All up to here was looked at.') }),
  gap,
  end: z.object({ reason: z.enum(['head', 'stopping', 'error']), code: textOrNull }),
};
