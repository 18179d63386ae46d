import { relative } from 'node:path';
import { collectSeldom, type LogLevel, messageOf, type Telemetry, VurtiError } from '../../kernel/index.js';
import type { AgentProtocol } from '../../model/index.js';
import type { Monitor } from '../../monitor/index.js';
import { type Assignment, type LoadedSettings, loadSettings, SettingsError } from '../../monitor/settings/index.js';
import type { Tracing } from '../../tracing/index.js';
import type { Context } from '../context.js';
import { settingsFile } from '../discover.js';
import { Answer, exitCodes } from '../errors.js';
import { count } from '../human.js';
import { Stopped } from '../io.js';
import { packageVersion } from '../version.js';
import { makeDataDir, refuseSecond } from './data-dir.js';
import { openEntrance } from './entrance.js';
import { logTelemetry } from './log.js';
import type { Service, ServiceOptions } from './service.js';
import { Systemd } from './systemd.js';

export interface ServeOptions {
  readonly config?: string;
  readonly listen?: string;
  readonly dataDir?: string;
  readonly takeOver?: boolean;
  readonly demo?: boolean;
  readonly hosts: number;
  readonly vms: number;
  readonly seed: number;
  readonly protocol: AgentProtocol;
}

/** Hosts answer within their first interval; a slow start is no reason to give up the last line of the greeting. */
const SYNCED_WITHIN_SECONDS = 600;

export async function serve(context: Context, options: ServeOptions): Promise<void> {
  const { io } = context;
  collectSeldom();
  const loaded = load(context, options);
  const { settings } = loaded;
  const shownDir = relative(io.cwd, settings.dataDir).startsWith('..')
    ? settings.dataDir
    : relative(io.cwd, settings.dataDir) || '.';
  makeDataDir(settings.dataDir);
  await refuseSecond(settings.dataDir, shownDir, io);

  const pretty = settings.log.format === 'pretty' || (settings.log.format === 'auto' && context.err.isTTY);
  const log = logTelemetry({ level: levelOf(loaded, pretty, context), pretty, output: io.stderr, style: context.err });
  const greeting = new Greeting(context, pretty, (message, fields) => log.log('info', message, fields));
  greeting.begin(title(loaded, options, shownDir));
  let service: Service | undefined;
  const { clock, scheduler } = io;
  const phase = (): string => service?.phase ?? 'its parts are loaded';
  const entrance = await openEntrance(loaded, { phase, clock, scheduler, telemetry: log });
  greeting.line('API answers', entrance.url);
  let tracing: Tracing | undefined;
  try {
    // What it takes to serve is loaded while the entrance says so.
    const parts = await loadParts();
    const metrics = new parts.OwnMetrics({ process: true });
    tracing = await traces(loaded, (message) => log.log('warn', 'Traces are not sent', { message }));
    const telemetry = metrics.beside(tracing === undefined ? log : { ...log, tracer: tracing.tracer });
    service = new parts.Service({
      loaded,
      load: () => load(context, options),
      taken: (next) => log.setLevel(levelOf(next, pretty, context)),
      env: io.env,
      cwd: io.cwd,
      fetch: io.fetch,
      takeOver: options.takeOver ?? false,
      demo: options.demo ? demoOf(options) : undefined,
      clock,
      scheduler,
      telemetry,
      metrics,
      entrance,
      serving: () => greeting.line('serving', servingText(service?.monitor)),
    });
    await untilStopped(context, service, { greeting, telemetry, demoHosts: options.demo ? options.hosts : null });
  } finally {
    await tracing?.stop();
    await entrance.close();
  }
}

/** Each on its own, so that between them a request is answered. */
async function loadParts() {
  const { OwnMetrics } = await import('../../server/index.js');
  const { Service } = await import('./service.js');
  return { OwnMetrics, Service };
}

async function untilStopped(
  { io }: Context,
  service: Service,
  told: { readonly greeting: Greeting; readonly telemetry: Telemetry; readonly demoHosts: number | null },
): Promise<void> {
  const { greeting, telemetry, demoHosts } = told;
  const systemd = new Systemd({ env: io.env, scheduler: io.scheduler, telemetry });
  io.onHangUp(() => reloadAtSignal(service, telemetry));
  const stopped = new Promise<void>((resolve) => {
    if (io.stop.aborted) resolve();
    io.stop.addEventListener('abort', () => resolve(), { once: true });
  });
  let failure: unknown;
  try {
    const started = service.start();
    // A start that is cut short by Ctrl-C fails in its own way, and nobody needs to hear of it.
    started.catch(() => undefined);
    await Promise.race([started, stopped]);
    if (!io.stop.aborted) {
      systemd.ready(servingText(service.monitor));
      greeting.hints(demoHosts);
      void synced(service.monitor, greeting);
      failure = await Promise.race([stopped, service.failed]);
    }
  } catch (error) {
    failure = error;
  }
  const began = io.clock.monotonic();
  systemd.stopping();
  if (io.stop.aborted) greeting.note('Stopping …');
  await service.stop();
  if (failure !== undefined) throw failure;
  greeting.line('stopped', `in ${((io.clock.monotonic() - began) / 1000).toFixed(1)} s`);
  if (io.stop.reason instanceof Stopped && io.stop.reason.cause === 'closed-pipe') throw new Answer(exitCodes.ok);
}

/** What traces is not even loaded unless somebody wants traces. */
async function traces(
  { settings }: LoadedSettings,
  onProblem: (message: string) => void,
): Promise<Tracing | undefined> {
  const { endpoint, sampleRatio } = settings.tracing;
  if (endpoint === undefined) return undefined;
  const { startTracing } = await import('../../tracing/index.js');
  return startTracing({ endpoint, sampleRatio, version: packageVersion(), onProblem });
}

/** Nobody waits for the answer: what went wrong is said in the log, each fault on a line of its own. */
function reloadAtSignal(service: Service, telemetry: Telemetry): void {
  try {
    service.reload();
  } catch (error) {
    const faults =
      error instanceof SettingsError ? error.problems : [{ code: '', where: '', message: messageOf(error) }];
    for (const { code, where, message } of faults) {
      telemetry.log('error', 'The settings are not taken over; nothing has changed', { code, where, fault: message });
    }
  }
}

/** VDSM's agents speak TLS, as they do in the field: certificates for a demo are made in a moment. */
function demoOf({ hosts, vms, seed, protocol }: ServeOptions): ServiceOptions['demo'] {
  return { hosts, vms, seed, protocol, tls: protocol === 'vdsm' };
}

function load(context: Context, options: ServeOptions): LoadedSettings {
  const { io } = context;
  const flags: Assignment[] = [];
  if (options.listen !== undefined)
    flags.push({ path: ['server', 'listen'], value: options.listen, where: '--listen' });
  if (options.dataDir !== undefined) flags.push({ path: ['dataDir'], value: options.dataDir, where: '--data-dir' });
  if (!options.demo) return loadSettings({ file: settingsFile(options.config, io), env: io.env, cwd: io.cwd, flags });
  // A demo must not mix simulated hosts into real ones: only a file that is named counts, and its rows stay apart.
  const loaded = loadSettings({
    file: options.config,
    env: io.env,
    cwd: io.cwd,
    flags,
    defaults: [
      { path: ['database', 'schema'], value: 'vurti_demo', where: '' },
      // A demo is watched for minutes: it shows in seconds what the product's pace shows in quarters of a minute.
      { path: ['poll', 'intervalSeconds'], value: 2, where: '' },
      { path: ['poll', 'deadlineSeconds'], value: 1.5, where: '' },
    ],
  });
  if (loaded.hosts.length > 0) {
    throw new VurtiError('BAD_ARGUMENT', 'The settings list real hosts; --demo does not go with them.', {
      hint: 'Leave out --demo or --config.',
    });
  }
  return loaded;
}

/** The greeting says on a terminal what info messages say elsewhere. */
function levelOf(loaded: LoadedSettings, pretty: boolean, context: Context): LogLevel {
  if (context.globals.verbose) return 'debug';
  const { level } = loaded.settings.log;
  return pretty && level === 'info' && loaded.origin(['log', 'level']).layer === 'default' ? 'warn' : level;
}

function title(loaded: LoadedSettings, options: ServeOptions, shownDir: string): string {
  const { settings, hosts } = loaded;
  const fleet = options.demo
    ? `demo fleet: ${count(options.hosts)} hosts, ${count(options.vms)} VMs (seed ${options.seed}, ${options.protocol === 'vdsm' ? 'VDSM over TLS' : 'HTTP'})`
    : `${settings.mode} · ${count(hosts.length)} ${hosts.length === 1 ? 'host' : 'hosts'} from ${loaded.file ?? 'no settings file'}`;
  const database = settings.database.url
    ? `PostgreSQL, schema ${settings.database.schema}`
    : `embedded PostgreSQL, kept in ${shownDir}/`;
  return `vurti ${packageVersion()} · ${fleet} · ${database}`;
}

function servingText(monitor: Monitor | undefined): string {
  const { hosts, vms } = monitor?.status() ?? { hosts: { total: 0 }, vms: { total: 0 } };
  if (hosts.total === 0) return 'no hosts yet: vurti hosts add NAME ADDRESS, or vurti serve --demo';
  return `${count(hosts.total)} hosts, ${count(vms.total)} VMs known; asking them`;
}

async function synced(monitor: Monitor | undefined, greeting: Greeting): Promise<void> {
  try {
    await monitor?.until('synced', { timeoutSeconds: SYNCED_WITHIN_SECONDS });
  } catch {
    return;
  }
  const hosts = monitor?.hosts.list() ?? [];
  if (hosts.length === 0) return;
  const answered = hosts.filter((host) => host.heardAt !== null).length;
  greeting.line(
    'synced',
    `${count(answered)}/${count(hosts.length)} hosts answered, ${count(monitor?.status().vms.byFreshness.live ?? 0)} VMs live`,
  );
}

/** What a person at a terminal sees of the start; elsewhere the same facts go to the log. */
class Greeting {
  readonly #context: Context;
  readonly #pretty: boolean;
  readonly #log: (message: string, fields: Record<string, string | number>) => void;

  constructor(
    context: Context,
    pretty: boolean,
    log: (message: string, fields: Record<string, string | number>) => void,
  ) {
    this.#context = context;
    this.#pretty = pretty;
    this.#log = log;
  }

  begin(text: string): void {
    if (this.#pretty) this.#context.note(text);
    else this.#log(text, { pid: process.pid });
  }

  /** With the time since the process began. */
  line(step: string, text: string): void {
    const seconds = this.#context.io.clock.monotonic() / 1000;
    if (this.#pretty) this.#context.note(`${seconds.toFixed(1).padStart(5)} s  ${step.padEnd(20)} ${text}`);
    else this.#log(step, { what: text, afterSeconds: Number(seconds.toFixed(3)) });
  }

  note(text: string): void {
    if (this.#pretty) this.#context.note(text);
  }

  /** A demo is started from a checkout, as the README says, and asked from there. */
  hints(demoHosts: number | null): void {
    const commands =
      demoHosts === null
        ? ['vurti status', 'vurti tail -f', 'vurti vms']
        : ['npx vurti status', 'npx vurti tail -f', `npx vurti explain host ${demoHosts < 7 ? 'kvm-01' : 'kvm-07'}`];
    this.note(`In a second terminal:  ${commands.join('  ·  ')}        Ctrl-C stops`);
  }
}
