import { z } from 'zod';
import { severityIds } from '../../events/index.js';
import { vdsStatusIds, vmStatusIds } from '../../model/index.js';
import {
  about,
  flag,
  freshness,
  namesOf,
  number,
  numberOrNull,
  text,
  textOrNull,
  time,
  timeOrNull,
  whole,
  wholeOrNull,
} from './parts.js';

const envelopeKeys = {
  asOf: about(time, 'When the answer was made.'),
  cursor: about(text, 'The place in the log that the answer belongs to: read changes or events after it.'),
  status: about(
    z.enum(['ready', 'loading', 'backfilling', 'degraded']),
    'State of the service. degraded: the database is away, changes wait in the journal, or rows are set aside.',
  ),
};

/** What every answer begins with. */
const envelope = <K extends string>(kind: K) =>
  z.object({ apiVersion: z.literal('vurti/v1'), kind: z.literal(kind), ...envelopeKeys });

export const item = <K extends string, S extends z.ZodType>(kind: K, of: S) => envelope(kind).extend({ item: of });

export const list = <K extends string, S extends z.ZodType>(kind: K, of: S) =>
  envelope(kind).extend({
    total: about(whole, 'How many there are, whatever the filters.'),
    matched: about(whole, 'How many pass the filters, whatever the page.'),
    next: about(textOrNull, 'The next page is after this (parameter `after`); null: this was the last one.'),
    items: z.array(of),
  });

/** Pages of the log. */
export const logPage = <K extends string, S extends z.ZodType>(kind: K, of: S) =>
  envelope(kind).extend({
    more: about(flag, 'There is more to read at once: after `cursor`, or before `before` when reading backwards.'),
    before: about(textOrNull, 'Backwards, go on before this.'),
    items: z.array(of),
  });

const readiness = about(
  z.enum(['loading', 'serving', 'synced']),
  'serving: the stored state is loaded; synced: every monitored host was heard, or had its chance.',
);

export const readinessAnswer = envelope('Readiness').extend({ readiness });
export const liveness = z.object({ status: z.literal('alive') });

const journal = z.object({
  mode: z.enum(['idle', 'keeping', 'full', 'failed']),
  flushes: whole,
  bytes: whole,
  maxBytes: whole,
  lastError: textOrNull,
  setAside: about(z.array(text), 'Files that could not be used and were kept.'),
});

export const statusAnswer = envelope('Status').extend({
  version: about(text, 'Version of vurti.'),
  mode: z.enum(['observer', 'manager']),
  readiness,
  startedAt: time,
  uptimeSeconds: whole,
  hosts: z.object({ total: whole, byStatus: z.partialRecord(namesOf(vdsStatusIds), whole) }),
  vms: z.object({
    total: whole,
    byStatus: z.partialRecord(namesOf(vmStatusIds), whole),
    byFreshness: z.object({ live: whole, stale: whole, unknown: whole }),
    oldestLiveSeconds: about(numberOrNull, 'Age of the oldest report of a VM that counts as live.'),
    notLive: about(
      z.array(z.object({ host: textOrNull, vms: whole })),
      'Hosts with VMs that are not live, most of them first.',
    ),
  }),
  eventsLastHour: z.object({ NORMAL: whole, WARNING: whole, ERROR: whole, ALERT: whole }),
  attention: about(
    z.array(
      z.object({
        severity: z.enum(['WARNING', 'ERROR', 'ALERT']),
        kind: z.enum(['host', 'vm', 'service']),
        id: text,
        name: text,
        text,
      }),
    ),
    'What needs somebody, worst first.',
  ),
  polls: z.object({
    inFlight: whole,
    total: whole,
    failed: whole,
    skipped: about(whole, 'Ticks skipped because the host was still busy.'),
    latenessP99Ms: numberOrNull,
  }),
  pushes: z.object({
    enabled: flag,
    hosts: about(whole, 'Hosts that push.'),
    healthy: about(whole, 'Those whose pushes are whole.'),
    gapsLastHour: whole,
  }),
  database: z.object({
    kind: z.enum(['postgres', 'memory']),
    waitingRows: whole,
    waitingRecords: whole,
    setAside: whole,
    failingSince: timeOrNull,
    lastError: textOrNull,
    flushP99Ms: numberOrNull,
    refused: z.array(z.object({ table: text, key: text, message: text })),
    journal: journal.nullable(),
  }),
  log: z.object({
    retentionDays: number,
    maxRows: whole,
    removed: about(whole, 'Records removed since the start.'),
    removing: flag,
    lastRunAt: timeOrNull,
    lastError: textOrNull,
  }),
  backfill: about(
    z.object({ name: text, done: whole, total: whole }).nullable(),
    'A migration that rewrites the log in the background.',
  ),
  remaining: about(wholeOrNull, 'What stands between now and ready; null = not known.'),
  rulesOff: about(
    z.array(z.object({ rule: text, because: text, clusters: z.array(text) })),
    'Rules that are off because their input is not known.',
  ),
});

export const explanation = z.object({
  kind: z.enum(['vm', 'host']),
  id: text,
  name: text,
  status: text,
  since: timeOrNull,
  previous: about(textOrNull, 'The status before, as far as this process knows.'),
  host: about(textOrNull, 'Of a VM: the host that runs it, or ran it last as far as known.'),
  freshness,
  heardAt: timeOrNull,
  rule: about(textOrNull, 'The rule that gave the present status; null when it was loaded from the database.'),
  doc: about(textOrNull, 'Where that rule is documented.'),
  why: about(text, 'For people.'),
  evidence: about(
    z.array(
      z.object({
        at: time,
        lastAt: time,
        times: whole,
        rule: textOrNull,
        text,
        becomes: z.array(z.object({ name: text, from: text, to: text })),
      }),
    ),
    'What was seen and what followed, in order of time.',
  ),
  calls: about(
    z.array(z.object({ at: time, method: text, outcome: text, durationMs: number, code: textOrNull })),
    'Of a host: its last calls, oldest first.',
  ),
  pushes: about(
    z
      .object({
        state: about(
          z.enum(['whole', 'catchingUp', 'lost']),
          'whole: connected and polled since; catchingUp: that poll is to come; lost: to be connected again.',
        ),
        trusted: about(flag, 'No gap within the last ten minutes.'),
        multiple: about(number, 'Trust: how many intervals may lie between its polls while nothing happens …'),
        pace: about(number, '… and how many do at present.'),
        pollSeconds: about(number, 'The same in seconds.'),
        gaps: about(whole, 'Changes since the start that a poll showed and no push had announced.'),
        lastGapAt: timeOrNull,
      })
      .nullable(),
    'Of a host that pushes what happens: how far that is believed.',
  ),
  notDone: about(z.array(z.object({ what: text, why: text })), 'What one might expect, and why it was not done.'),
  endsWhen: about(z.array(text), 'What would end this state.'),
  next: about(z.array(z.object({ text, at: timeOrNull })), 'What comes next.'),
  rulesOff: z.array(z.object({ rule: text, because: text })),
});

export const rawAnswer = z.object({
  host: text,
  hostId: text,
  method: text,
  result: about(z.unknown(), 'As the agent said it; whole numbers beyond 2^53 as text.'),
});

export const reload = z.object({
  file: about(textOrNull, 'The settings file; null = there is none.'),
  changes: about(
    z.array(z.object({ path: text, from: z.unknown(), to: z.unknown(), takesEffect: z.enum(['now', 'restart']) })),
    'What differs from the settings in force.',
  ),
  hosts: about(
    z
      .object({
        added: z.array(text),
        changed: z.array(text),
        leaving: about(z.array(text), 'Not listed any more; removed ten minutes later unless they come back.'),
        returned: z.array(text),
        removed: about(z.array(text), 'At once: the same name has got another id.'),
        refused: about(z.array(z.object({ host: text, because: text })), 'Not taken: another host bears the name.'),
        held: about(
          z.array(z.object({ source: text, missing: whole, known: whole, because: z.enum(['empty', 'halved']) })),
          'Sources that lost so many hosts that none was removed.',
        ),
      })
      .nullable(),
    'null: a demo, whose hosts no file lists.',
  ),
});

export const sink = z.object({
  name: text,
  target: about(text, 'Scheme, host and port of its address; the rest may be secret.'),
  severity: about(namesOf(severityIds), 'Events of this severity and worse.'),
  mode: z.enum(['starting', 'waiting', 'sending', 'retrying', 'stopped']),
  cursor: about(textOrNull, 'Everything up to here was delivered, or did not have to be.'),
  lagRecords: about(whole, 'Records of the log behind the cursor.'),
  delivered: about(whole, 'Events since the start.'),
  failures: about(whole, 'Failed tries of the event that is sent now.'),
  failingSince: timeOrNull,
  lastDeliveredAt: timeOrNull,
  lastError: textOrNull,
  nextTryAt: timeOrNull,
});

export const problem = z.object({
  type: about(text, 'urn:vurti:error: and the code.'),
  title: about(text, 'What this code means.'),
  status: about(whole, 'HTTP status.'),
  code: about(text, 'One of docs/errors.md.'),
  detail: about(text, 'What went wrong this time.'),
  retryable: about(flag, 'The same request may succeed later.'),
  hint: about(text, 'What to do.'),
  problems: about(
    z.array(z.object({ code: text, where: about(text, 'File, line and column.'), message: text })).optional(),
    'Of settings that are wrong: each fault.',
  ),
});
