import { join } from 'node:path';
import type { Store } from '../../events/index.js';
import { type Clock, messageOf, type Scheduler, type Telemetry, VurtiError } from '../../kernel/index.js';
import type { HostSpec, VmSpec } from '../../model/index.js';
import {
  createMonitor,
  type DatabaseAway,
  InventorySources,
  type Monitor,
  openDatabase,
  type ReloadReport,
} from '../../monitor/index.js';
import {
  agentAccess,
  coreSettings,
  type LoadedSettings,
  shownSettings,
  sinkAccess,
} from '../../monitor/settings/index.js';
import { TokenBook, tokensFile } from '../../server/front/index.js';
import { createServer, type OwnMetrics, type VurtiServer } from '../../server/index.js';
import { type Simulation, type SimulationOptions, startSimulation } from '../../simulator/index.js';
import type { Sinks } from '../../sinks/index.js';
import { EmbeddedPostgres } from '../../store/embedded/index.js';
import { count } from '../human.js';
import type { Entrance } from './entrance.js';
import { HostFiles } from './host-files.js';
import { takeDemo, takeInventory } from './inventory.js';
import { reload } from './reload.js';
import { makeSinks } from './sinks.js';

export interface ServiceOptions {
  readonly loaded: LoadedSettings;
  /** Reads all settings anew. @throws SettingsError */
  readonly load: () => LoadedSettings;
  /** Told of the settings that a reload has put in force. */
  readonly taken: (loaded: LoadedSettings) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly fetch: typeof fetch;
  readonly takeOver: boolean;
  readonly demo:
    | (Pick<SimulationOptions, 'protocol' | 'tls'> & {
        readonly hosts: number;
        readonly vms: number;
        readonly seed: number;
      })
    | undefined;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly metrics: OwnMetrics;
  /** Open already. The service closes its sockets; whoever opened it closes the rest. */
  readonly entrance: Entrance;
  /** Told when it serves. */
  readonly serving: () => void;
}

/** A step of the stop that takes longer is left behind; what is committed is kept. */
const STEP_MS = { server: 1000, start: 8000, sinks: 2000, monitor: 8000, database: 8000, simulation: 1000 } as const;

/**
 * The parts of `vurti serve`, started and stopped in order.
 *
 * Modes: *starting* – the API answers NOT_READY and says why; *serving*; *stopping* – the API is closed first, then what
 * waits is written, then the database ends.
 */
export class Service {
  readonly #options: ServiceOptions;
  /** In force now: a reload replaces them. */
  #loaded: LoadedSettings;
  /** Settles when the service cannot go on: the database ended, or another vurti took it. */
  readonly failed: Promise<VurtiError>;
  #fail: (error: VurtiError) => void = () => undefined;
  readonly #series: LoadedSettings['settings']['metrics'];
  #phase = 'it has just begun';
  #monitor: Monitor | undefined;
  #server: VurtiServer | undefined;
  #embedded: EmbeddedPostgres | undefined;
  #simulation: Simulation | undefined;
  #sources: InventorySources | undefined;
  #hostFiles: HostFiles | undefined;
  #sinks: Sinks | undefined;
  #store: Store | undefined;
  #starting: Promise<void> | undefined;
  readonly #ending = new AbortController();
  #stopping: Promise<void> | undefined;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#loaded = options.loaded;
    this.#series = { ...options.loaded.settings.metrics };
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
  }

  /** What it does before there is a monitor. */
  get phase(): string {
    return this.#phase;
  }

  get monitor(): Monitor | undefined {
    return this.#monitor;
  }

  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    const { loaded, demo, serving } = this.#options;
    const { settings } = loaded;
    const access = agentAccess(loaded);
    const sinks = sinkAccess(loaded);
    await this.#takeRequests();
    if (demo !== undefined) this.#simulation = await this.#simulate(demo);
    this.#phase = settings.database.url === undefined ? 'the embedded PostgreSQL starts' : 'the database is opened';
    const store = await this.#openStore();
    this.#store = store;
    this.#refuseIfStopping();
    const { clock, scheduler, telemetry } = this.#options;
    const monitor = await createMonitor({
      mode: settings.mode,
      settings: coreSettings(settings),
      agents: { protocol: settings.agents.protocol, ...(access.tls === null ? {} : { tls: access.tls }) },
      // Its hosts and VMs follow at once, when what is stored is there to be compared with.
      ...(demo === undefined && settings.inventory.vms === undefined ? {} : { vms: [] }),
      sets: settings.inventory.sets,
      troubles: () => [...(this.#sources?.troubles() ?? []), ...(this.#sinks?.troubles() ?? [])],
      store,
      clock,
      scheduler,
      telemetry,
    });
    this.#monitor = monitor;
    await monitor.start();
    this.#refuseIfStopping();
    const { clusters, vms = [] } = settings.inventory;
    if (this.#simulation === undefined) {
      this.#sources = new InventorySources({ hosts: monitor.hosts, clock, scheduler, telemetry });
      takeInventory(monitor, { clusters, files: settings.inventory.files, hosts: access.hosts, vms }, this.#sources);
      this.#followFiles(this.#sources);
    } else takeDemo(monitor, demoHosts(this.#simulation), demoVms(this.#simulation));
    this.#sinks = makeSinks(sinks, { monitor, store, fetch: this.#options.fetch, clock, scheduler, telemetry });
    this.#sinks.start();
    serving();
  }

  /** Takes over what can change while it runs. @throws SettingsError, NOT_READY: then nothing has changed */
  reload(options: { readonly acceptRemovals?: boolean } = {}): ReloadReport {
    const { load, taken, telemetry } = this.#options;
    const parts = { running: this.#loaded, load, monitor: this.#monitor, sources: this.#sources, telemetry };
    return reload(
      {
        ...parts,
        taken: (loaded) => {
          this.#loaded = loaded;
          Object.assign(this.#series, loaded.settings.metrics);
          this.#hostFiles?.changed(loaded);
          taken(loaded);
        },
      },
      options,
    );
  }

  #followFiles(sources: InventorySources): void {
    const { loaded, env, cwd, clock, scheduler, telemetry } = this.#options;
    this.#hostFiles = new HostFiles({ loaded, env, cwd, sources, clock, scheduler, telemetry });
    this.#hostFiles.start();
  }

  /** In the way of the data: nothing new comes in, what waits is written, then its place closes. Safe to call twice. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#phase = 'it stops';
    this.#hostFiles?.stop();
    this.#sources?.stop();
    this.#ending.abort();
    await this.#step('server', this.#server?.close() ?? this.#options.entrance.front.close());
    // A start under way gives up at its next step; what it has made by then is closed below.
    await this.#step(
      'start',
      this.#starting?.catch(() => undefined),
    );
    await this.#step('sinks', this.#sinks?.stop());
    await this.#step('monitor', this.#monitor === undefined ? this.#store?.close() : this.#monitor.stop());
    await this.#step('database', this.#embedded?.stop());
    await this.#step('simulation', this.#simulation?.stop());
  }

  async #step(name: keyof typeof STEP_MS, work: Promise<void> | undefined): Promise<void> {
    if (work === undefined) return;
    const { scheduler, telemetry } = this.#options;
    const late = new Promise<'late'>((resolve) => {
      const timer = scheduler.after(STEP_MS[name], () => resolve('late'), 'stop');
      void work.finally(() => timer.cancel()).catch(() => undefined);
    });
    try {
      const outcome = await Promise.race([work, late]);
      if (outcome === 'late')
        telemetry.log('error', `The ${name} did not stop in time and is left`, { ms: STEP_MS[name] });
    } catch (error) {
      telemetry.log('error', `The ${name} did not stop cleanly`, { error: messageOf(error) });
    }
  }

  /** Ctrl-C may come in the middle of a start; what is made after it would never be closed. */
  #refuseIfStopping(): void {
    if (this.#stopping !== undefined) throw new VurtiError('STOPPED', 'The service was stopped while it started');
  }

  /** From here on the API itself answers. */
  async #takeRequests(): Promise<void> {
    const { loaded, entrance, clock, scheduler, telemetry } = this.#options;
    const { server, dataDir } = loaded.settings;
    this.#server = createServer({
      monitor: () => this.#monitor,
      phase: () => this.#phase,
      front: entrance.front,
      maxEventStreams: server.maxEventStreams,
      token: entrance.token,
      tokens: new TokenBook(tokensFile(dataDir), (error) =>
        telemetry.log('error', 'Nobody is let in by a token that was added', { error: error.message }),
      ),
      ...(server.requestsPerSecond === 0
        ? {}
        : { rate: { perSecond: server.requestsPerSecond, burst: server.requestsPerSecond * 5 } }),
      settings: () => shownSettings(this.#loaded),
      reload: (options) => this.reload(options),
      sinks: () => this.#sinks?.states() ?? [],
      clock,
      scheduler,
      telemetry,
      metrics: { own: this.#options.metrics, series: this.#series },
    });
    await this.#server.listen();
  }

  #simulate(demo: NonNullable<ServiceOptions['demo']>): Promise<Simulation> {
    this.#phase = 'the demo fleet starts';
    const { telemetry } = this.#options;
    return startSimulation({
      ...demo,
      onHappening: (line) => telemetry.log('debug', line),
      onProblem: (message) => telemetry.log('warn', message),
    });
  }

  async #openStore(): Promise<Store> {
    const { loaded, clock, scheduler, telemetry, takeOver } = this.#options;
    const { database, dataDir, journal } = loaded.settings;
    const connection = database.url === undefined || database.url === '' ? await this.#embed(dataDir) : database.url;
    this.#refuseIfStopping();
    this.#phase = 'the stored state is loaded';
    return openDatabase({
      connection,
      schema: database.schema,
      poolSize: database.poolSize,
      ...(journal.maxMiB === 0 ? {} : { journal: { folder: join(dataDir, 'journal'), maxMiB: journal.maxMiB } }),
      takeOver,
      wait: {
        // Our own server is ready when it says so.
        seconds: this.#embedded === undefined ? database.waitSeconds : 0,
        signal: this.#ending.signal,
        onAway: (away) => {
          this.#phase = awayText(away);
        },
      },
      clock,
      scheduler,
      telemetry,
      onFenced: (error) => this.#fail(error),
    });
  }

  async #embed(dataDir: string): Promise<EmbeddedPostgres['connection']> {
    const { clock, scheduler, telemetry } = this.#options;
    const embedded = await EmbeddedPostgres.start({ dataDir, clock, scheduler, telemetry });
    this.#embedded = embedded;
    void embedded.exited.then(() =>
      this.#fail(new VurtiError('EMBEDDED_DATABASE', 'The embedded PostgreSQL ended by itself')),
    );
    return embedded.connection;
  }
}

function awayText({ since, attempts, lastError, journalBytes }: DatabaseAway): string {
  const kept =
    journalBytes === 0 ? '' : ` ${count(Math.ceil(journalBytes / 1024))} KiB of changes wait for it in the journal.`;
  return `the database does not answer since ${new Date(since).toISOString()} (${count(attempts)} attempts; it goes on by itself). ${lastError}.${kept}`;
}

function demoHosts(simulation: Simulation): HostSpec[] {
  return simulation.endpoints().map(({ id, name, address, port, protocol, cluster, tls }) => ({
    id,
    name,
    address,
    port,
    protocol,
    cluster,
    source: 'demo',
    tls,
  }));
}

/** What an engine would know of its VMs. */
function demoVms(simulation: Simulation): VmSpec[] {
  return simulation.fleet.vms().map(({ id, name, cluster, ha, vcpus, memoryMb, nics }) => ({
    id,
    name,
    cluster,
    ha,
    vcpus,
    memoryMb,
    nics: nics.map((nic) => ({ mac: nic.mac, name: nic.name, profile: null, speedMbps: null })),
  }));
}
