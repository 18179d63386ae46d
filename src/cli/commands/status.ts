import type { ApiStatus } from '../../server/index.js';
import type { Context } from '../context.js';
import { Answer, exitCodes } from '../errors.js';
import { clockTime, count, duration, shortTime, sinceText, toMs } from '../human.js';
import { emit } from '../output.js';
import { paint, paintOfSeverity, paintOfStatus, type Style } from '../style.js';
import { escapeControl, padEnd, widthOf } from '../text.js';
import { watch } from '../watch.js';

const MOST_ATTENTION = 8;
const LABEL = 10;

export interface StatusOptions {
  readonly watch?: boolean;
  readonly check?: boolean;
}

export async function status(context: Context, options: StatusOptions): Promise<void> {
  const client = context.client();
  let last: ApiStatus | undefined;
  await watch(context, options.watch ?? false, async () => {
    const answer = await client.get<ApiStatus>('/api/v1/status');
    last = answer;
    return () =>
      emit(context, {
        document: answer,
        names: [`service/${client.url}`],
        table: () => statusLines(answer, context.out, { verbose: context.globals.verbose ?? false, utc: context.utc }),
      });
  });
  if (options.check && last !== undefined && !healthy(last)) throw new Answer(exitCodes.no);
}

/** Warnings ask for a look, not for an alarm. */
export function healthy(answer: ApiStatus): boolean {
  return answer.status === 'ready' && answer.attention.every((item) => item.severity === 'WARNING');
}

export function statusLines(answer: ApiStatus, style: Style, options: { verbose: boolean; utc: boolean }): string[] {
  const now = toMs(answer.asOf);
  const separated = (parts: readonly string[]): string => parts.filter((part) => part !== '').join(' · ');
  const label = (name: string): string => padEnd(name, LABEL);
  const total = (value: number | string): string => String(value).padStart(5);
  const byCount = (counts: Readonly<Record<string, number | undefined>>): string =>
    separated(
      Object.entries(counts)
        .filter(([, n]) => n !== undefined && n > 0)
        .sort(([, a], [, b]) => (b ?? 0) - (a ?? 0))
        .map(([name, n]) => paint(style, name === 'Up' ? undefined : paintOfStatus(name), `${name} ${count(n ?? 0)}`)),
    ) || 'none';

  // While the database is away it is no more than serving, though all may be heard.
  const synced =
    answer.readiness === 'synced' || (answer.readiness === 'serving' && answer.database.failingSince !== null)
      ? ''
      : answer.readiness === 'serving'
        ? 'not every host heard yet'
        : 'loading the stored state';
  const { hosts, vms, eventsLastHour: log } = answer;
  const { byFreshness } = vms;
  const away = byFreshness.stale + byFreshness.unknown;
  const where = vms.notLive.map(({ host, vms: n }) => `${escapeControl(host ?? '-')} ${count(n)}`).join(', ');
  const fresh = separated([
    `${count(byFreshness.live)} live`,
    byFreshness.stale > 0 ? `${count(byFreshness.stale)} stale` : '',
    byFreshness.unknown > 0 ? `${count(byFreshness.unknown)} unknown` : '',
  ]);
  const oldest =
    vms.oldestLiveSeconds === null ? '' : `       oldest live report ${duration(vms.oldestLiveSeconds * 1000)}`;
  return [
    separated([
      `vurti ${answer.version}`,
      answer.mode,
      paint(style, paintOfStatus(answer.status), answer.status),
      synced,
      `up ${duration(answer.uptimeSeconds * 1000)}`,
      `cursor ${answer.cursor}`,
    ]),
    `${label('Hosts')}${total(count(hosts.total))}   ${byCount(hosts.byStatus)}`,
    `${label('VMs')}${total(count(vms.total))}   ${byCount(vms.byStatus)}`,
    `${label('Fresh')}${fresh}${away > 0 && where !== '' ? ` (${where})` : ''}${oldest}`,
    `${label('Log')}${total('1h')}   ${separated([`${count(log.NORMAL)} normal`, `${count(log.WARNING)} warning`, `${count(log.ERROR)} error`, `${count(log.ALERT)} alert`])}`,
    ...attentionLines(answer, style),
    `${label('Polls')}${pollsText(answer)}`,
    `${label('Pushes')}${pushesText(answer, style)}`,
    `${label('Database')}${databaseText(answer, style, now, options.utc)}`,
    ...(answer.backfill === null ? [] : [`${label('Migration')}${backfillText(answer.backfill)}`]),
    ...(options.verbose ? [`${label('Kept')}${keptText(answer)}`, ...rulesOffLines(answer)] : []),
  ];
}

function attentionLines(answer: ApiStatus, style: Style): string[] {
  const { attention } = answer;
  if (attention.length === 0) {
    return [
      answer.status === 'ready' && answer.readiness === 'synced'
        ? 'Everything answers; nothing needs you.'
        : 'Nothing needs you so far.',
    ];
  }
  const shown = attention.slice(0, MOST_ATTENTION);
  const width = Math.max(...shown.map((item) => widthOf(escapeControl(item.name))));
  const lines = shown.map((item) => {
    const severity = paint(style, paintOfSeverity(item.severity), item.severity.padEnd(7));
    return `  ${severity}  ${padEnd(escapeControl(item.name), width)}  ${escapeControl(item.text)}`;
  });
  const more = attention.length - shown.length;
  if (more > 0) lines.push(`  and ${count(more)} more → vurti tail -p warning --since 1h`);
  const first = shown.find((item) => item.kind !== 'service');
  if (first !== undefined) lines.push(`  → vurti explain ${first.kind} ${escapeControl(first.name)}`);
  return ['Needs attention', ...lines];
}

const MIB = 1024 * 1024;

/** Later than this is no rounding of timers any more. */
const LATE_MS = 1000;

function pollsText({ polls }: ApiStatus): string {
  const late = polls.latenessP99Ms;
  const punctual =
    late === null ? 'none measured yet' : `${late < LATE_MS ? 'on time' : 'late'}, p99 ${shortTime(late)} late`;
  const failed = `${count(polls.failed)} of ${count(polls.total)} failed`;
  return [punctual, failed, polls.skipped > 0 ? `${count(polls.skipped)} skipped` : '', `${polls.inFlight} in flight`]
    .filter((part) => part !== '')
    .join(' · ');
}

function pushesText({ pushes }: ApiStatus, style: Style): string {
  if (!pushes.enabled) return 'switched off (push.enabled): polls only';
  if (pushes.hosts === 0) return 'no host pushes: polls only';
  const healthy = `${count(pushes.healthy)}/${count(pushes.hosts)} healthy`;
  const gaps = `${count(pushes.gapsLastHour)} gap${pushes.gapsLastHour === 1 ? '' : 's'} in 1h`;
  return `${pushes.healthy < pushes.hosts ? paint(style, 'yellow', healthy) : healthy}, ${gaps}`;
}

function databaseText({ database }: ApiStatus, style: Style, now: number, utc: boolean): string {
  const waiting = `${count(database.waitingRows)} rows waiting`;
  const aside =
    database.setAside > 0 ? [paint(style, 'red', `${count(database.setAside)} rows refused and set aside`)] : [];
  if (database.kind === 'memory') return 'in memory, nothing is kept';
  const journal = journalText(database.journal, style);
  if (database.failingSince !== null) {
    const since = `failing since ${clockTime(toMs(database.failingSince), now, utc)} (${sinceText(database.failingSince, now)})`;
    const why = database.lastError === null ? [] : [escapeControl(database.lastError)];
    const parts = [`${waiting}, ${count(database.waitingRecords)} records`, ...journal, ...aside, ...why];
    return [paint(style, 'red', since), ...parts].join(', ');
  }
  return [
    'ok',
    database.flushP99Ms === null ? '' : `flush p99 ${shortTime(database.flushP99Ms)}`,
    waiting,
    ...journal,
    ...aside,
  ]
    .filter((part) => part !== '')
    .join(', ');
}

function backfillText({ name, done, total }: NonNullable<ApiStatus['backfill']>): string {
  return `${name}: ${count(done)} of ${count(total)} records, in the background`;
}

function keptText({ log }: ApiStatus): string {
  const limits = [
    log.retentionDays === 0 ? '' : `${count(log.retentionDays)} days`,
    log.maxRows === 0 ? '' : `${count(log.maxRows)} records`,
  ].filter((part) => part !== '');
  const removed = `${count(log.removed)} removed since the start`;
  const now = log.lastError === null ? (log.removing ? 'removing now' : '') : escapeControl(log.lastError);
  return [limits.length === 0 ? 'everything' : `the newest ${limits.join(', at most ')}`, removed, now]
    .filter((part) => part !== '')
    .join(' · ');
}

function journalText(journal: ApiStatus['database']['journal'], style: Style): string[] {
  if (journal === null || journal.mode === 'idle') return [];
  const used = journal.bytes / MIB;
  // A little is not yet full, of a small journal neither.
  const usedText = used < 10 ? String(Math.ceil(used * 10) / 10) : count(Math.ceil(used));
  const size = `${usedText} of ${count(Math.round(journal.maxBytes / MIB))} MiB`;
  if (journal.mode === 'keeping') return [`kept in the journal (${size})`];
  const trouble = journal.mode === 'full' ? `journal full (${size})` : 'journal cannot be written';
  return [paint(style, 'red', `${trouble}: in memory only`)];
}

function rulesOffLines(answer: ApiStatus): string[] {
  if (answer.rulesOff.length === 0) return ['Rules off none'];
  return answer.rulesOff.map(
    (off, i) =>
      `${padEnd(i === 0 ? 'Rules off' : '', LABEL)}${off.rule}: ${off.because}${off.clusters.length === 0 ? '' : ` (${off.clusters.map(escapeControl).join(', ')})`}`,
  );
}
