import { X509Certificate } from 'node:crypto';
import { systemIds, systemRandom, VurtiError } from '../../kernel/index.js';
import type { HostEndpoint, HostSpec } from '../../model/index.js';
import { agentAccess, type Examination, type ExamStep, examineHost, loadSettings } from '../../monitor/index.js';
import type { Context } from '../context.js';
import { settingsFile } from '../discover.js';
import { Answer, exitCodes } from '../errors.js';
import { count } from '../human.js';
import { emit } from '../output.js';
import { paint, type Style } from '../style.js';
import { escapeControl } from '../text.js';

export interface DoctorOptions {
  readonly config?: string;
  readonly all?: boolean;
}

/** Hosts examined at a time. */
const AT_ONCE = 16;
const DEFAULT_PORT = 54_321;
const DAY_MS = 86_400_000;

/** "settings" stands before what the examination itself finds. */
type Step = Omit<ExamStep, 'step'> & { readonly step: ExamStep['step'] | 'settings' };

interface Report {
  readonly host: HostEndpoint;
  readonly cluster: string;
  readonly steps: readonly Step[];
  readonly diagnosis: Examination['diagnosis'];
}

/** Why does a host not answer? Needs no service: the settings say where the agents are. */
export async function doctor(context: Context, name: string | undefined, options: DoctorOptions): Promise<void> {
  const { io } = context;
  if ((name === undefined) === (options.all !== true)) {
    throw new VurtiError('BAD_ARGUMENT', 'Name one host, or --all.', { hint: 'See vurti doctor --help.' });
  }
  const loaded = loadSettings({ file: settingsFile(options.config, io), env: io.env, cwd: io.cwd });
  const { hosts } = agentAccess(loaded);
  const chosen = name === undefined ? hosts : hosts.filter((host) => host.name === name || host.id === name);
  if (chosen.length === 0) {
    const where = loaded.file ?? 'the settings: there is no settings file';
    const what = name === undefined ? 'No host is' : `No host ${name} is`;
    throw new VurtiError('NOT_FOUND', `${what} listed in ${where}.`, { hint: 'vurti config show lists what is.' });
  }
  const { poll } = loaded.settings;
  const reports = await inParallel(chosen, AT_ONCE, (spec) =>
    examine(context, spec, {
      deadlineMs: poll.deadlineSeconds * 1000,
      capabilitiesDeadlineMs: poll.capabilitiesDeadlineSeconds * 1000,
    }),
  );
  if (io.stop.aborted) throw io.stop.reason;
  const sorted = [...reports].sort((a, b) => Number(failed(b)) - Number(failed(a)));
  emit(context, {
    document: { apiVersion: 'vurti/v1', kind: 'DoctorReport', items: sorted.map(document) },
    items: sorted.map(document),
    names: sorted.filter(failed).map(({ host }) => `host/${host.name}`),
    table: () => (name === undefined ? summary(sorted, context.out) : sorted.flatMap((one) => whole(one, context.out))),
  });
  if (sorted.some(failed)) throw new Answer(exitCodes.no);
}

async function examine(
  context: Context,
  spec: HostSpec,
  deadlines: { readonly deadlineMs: number; readonly capabilitiesDeadlineMs: number },
): Promise<Report> {
  const { clock, scheduler, stop: signal } = context.io;
  const { name, address, id = name, port = DEFAULT_PORT, protocol = 'vdsm', tls = null } = spec;
  const host: HostEndpoint = { id, name, address, port, protocol, tls };
  const settings = settingsStep(host, clock.now());
  const effects = { clock, scheduler, signal, ids: systemIds, random: systemRandom };
  const { steps, diagnosis } = await examineHost(host, { ...effects, ...deadlines });
  const own = { likely: 'our own certificate has ended.', tries: ['have a new one signed: agents.tls.certFile'] };
  return {
    host,
    cluster: spec.cluster ?? 'Default',
    steps: [settings, ...steps],
    diagnosis: settings.outcome === 'failed' ? own : diagnosis,
  };
}

function settingsStep({ tls }: HostEndpoint, now: number): Step {
  const step = { step: 'settings', ms: null, code: null } as const;
  if (tls === null) return { ...step, outcome: 'ok', text: 'without TLS' };
  if (tls.cert === undefined) return { ...step, outcome: 'ok', text: 'no certificate of our own' };
  try {
    const days = Math.floor((Date.parse(new X509Certificate(tls.cert).validTo) - now) / DAY_MS);
    if (days < 0) return { ...step, outcome: 'failed', text: `our certificate ended ${count(-days)} days ago` };
    return { ...step, outcome: 'ok', text: `our certificate is valid for ${count(days)} days` };
  } catch {
    return { ...step, outcome: 'failed', text: 'our certificate cannot be read' };
  }
}

const failed = ({ steps }: Report): boolean => steps.some(({ outcome }) => outcome === 'failed');

function document({ host, cluster, steps, diagnosis, ...rest }: Report): unknown {
  const { id, name, address, port, protocol } = host;
  return {
    ...{ id, name, address, port, protocol, cluster },
    failed: failed({ host, cluster, steps, diagnosis, ...rest }),
    steps: steps.map(({ step, outcome, ms, text, code }) => ({ step, outcome, milliseconds: ms, text, code })),
    likely: diagnosis?.likely ?? null,
    try: diagnosis?.tries ?? [],
  };
}

const placeOf = ({ address, port }: HostEndpoint): string =>
  `${address.includes(':') ? `[${address}]` : address}:${port}`;

function whole({ host, cluster, steps, diagnosis }: Report, style: Style): string[] {
  const head = [host.name, host.protocol, placeOf(host), `cluster ${cluster}`].map(escapeControl).join('   ');
  const skipped = steps.filter(({ outcome, text }) => outcome === 'skipped' && text === '');
  const lines = steps
    .filter((step) => !skipped.includes(step))
    .map(({ step, outcome, text, ms }) => {
      const word = { ok: 'ok', failed: 'FAIL', skipped: 'skip' }[outcome].padEnd(5);
      const body = `${step.padEnd(16)}${escapeControl(text)}`;
      const time = ms === null ? '' : `${count(ms)} ms`.padStart(Math.max(10, 90 - body.length));
      return `  ${paint(style, outcome === 'failed' ? 'red' : undefined, word)} ${body}${outcome === 'ok' ? time : ''}`.trimEnd();
    });
  if (skipped.length > 0) lines.push(`  ${'skip'.padEnd(5)} ${skipped.map(({ step }) => step).join(' · ')}`);
  const hasFailed = steps.some(({ outcome }) => outcome === 'failed');
  return [
    head,
    ...lines,
    ...(diagnosis === null ? [] : [`Likely    ${diagnosis.likely}`, `Try       ${diagnosis.tries.join(' · ')}`]),
    hasFailed ? '1 of 1 hosts failed' : 'Nothing is wrong on the way to this agent.',
  ];
}

function summary(reports: readonly Report[], style: Style): string[] {
  const width = Math.max(...reports.map(({ host }) => host.name.length));
  const firstFailure = ({ steps }: Report): Step | undefined => steps.find(({ outcome }) => outcome === 'failed');
  const lines = reports.map((report) => {
    const failure = firstFailure(report);
    const name = escapeControl(report.host.name.padEnd(width));
    const total = report.steps.reduce((sum, { step, ms }) => sum + (step === 'heart-beat' ? 0 : (ms ?? 0)), 0);
    if (failure === undefined) return `  ok    ${name}  ${count(total)} ms`;
    return `  ${paint(style, 'red', 'FAIL')}  ${name}  ${failure.step}: ${escapeControl(failure.text)}`;
  });
  const kinds = new Map<string, number>();
  for (const report of reports) {
    const failure = firstFailure(report);
    if (failure !== undefined) kinds.set(failure.step, (kinds.get(failure.step) ?? 0) + 1);
  }
  const sum = [...kinds].map(([step, times]) => `${step} ${times}`).join(' · ');
  const bad = reports.filter(failed).length;
  const end = `${count(bad)} of ${count(reports.length)} hosts failed`;
  return [...lines, bad === 0 ? end : `${end}: ${sum}.   vurti doctor HOST says more of each`];
}

async function inParallel<T, R>(items: readonly T[], atOnce: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const queue = [...items.entries()];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) results[next[0]] = await work(next[1]);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  return results;
}
