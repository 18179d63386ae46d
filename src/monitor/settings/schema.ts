import { z } from 'zod';
import { agentProtocolIds, defaultSettings as d } from '../../model/index.js';
import { doc, number, whole } from './describe.js';
import { clusterEntry, sinkEntry, vmEntry } from './entries.js';
import { isPattern } from './pattern.js';

/**
 * The one schema of all settings: for vurti.yaml, the environment and code alike. What it accepts, works; settings of
 * later versions are refused by name (later.ts). docs/settings.md is generated from it.
 */

type Shape = Record<string, z.ZodType>;
type Defaults<S extends Shape> = { readonly [K in keyof S]: z.output<S[K]> };
type Defaulted<S extends Shape> = z.ZodPrefault<z.ZodObject<{ [K in keyof S]: z.ZodDefault<S[K]> }, z.core.$strict>>;

/** A group whose members all have a default. */
function group<S extends Shape>(shape: S, defaults: Defaults<S>): Defaulted<S> {
  const members = Object.entries(shape).map(([key, schema]) => [
    key,
    schema.default(defaults[key as keyof S] as never),
  ]);
  return z.strictObject(Object.fromEntries(members) as never).prefault({}) as Defaulted<S>;
}

const pollOfHost = {
  intervalSeconds: number(
    1,
    3600,
    'Statistics of a healthy host and of its VMs are asked this often. Agents sample every 15 s: faster brings no newer rates.',
  ),
  maxIntervalSeconds: number(1, 3600, 'Longest interval that adaptive polling may choose.'),
  deadlineSeconds: number(0.1, 600, 'Answers to statistics are waited for this long. Must be below the interval.'),
  capabilitiesDeadlineSeconds: number(0.1, 600, 'The same for capabilities, which agents gather slowly.'),
  capabilitiesIntervalSeconds: number(
    60,
    86_400,
    'Capabilities of a healthy host are read again this often, up to a tenth earlier.',
  ),
  hardwareInfoDeadlineSeconds: number(0.1, 600, 'The same for hardware information.'),
  ticksPerInterval: whole(1, 100, 'Ticks in an interval: a host without contact is tried at each tick.'),
};
const poll = {
  ...pollOfHost,
  concurrency: whole(1, 10_000, 'Requests in flight over all hosts.'),
};
const grace = {
  attempts: whole(0, 100, 'A host is lost only after more failed attempts than this …'),
  seconds: number(0, 86_400, '… and after this time without an answer …'),
  perVmSeconds: number(0, 600, '… longer by this for each VM that it runs …'),
  spmSeconds: number(0, 3600, '… and by this when it is the storage pool manager.'),
};
const limits = {
  maxInFlight: whole(1, 8, 'Requests in flight per host. The agent has 8 workers for all its clients.'),
  maxAnswerMiB: whole(1, 1024, 'A larger answer of an agent is refused.'),
};
const absence = {
  misses: whole(1, 100, 'A VM is gone after it is missing from this many complete reports of its host.'),
};
const recoveryTimeoutSeconds = number(1, 3600, 'A restarted agent may re-adopt its VMs for this long.');

/** Members are optional and have no default: what is absent comes from the general settings. */
const override = z.strictObject({
  poll: z.strictObject(pollOfHost).partial().optional(),
  grace: z.strictObject(grace).partial().optional(),
  agents: z.strictObject(limits).partial().optional(),
  absence: z.strictObject(absence).partial().optional(),
  recoveryTimeoutSeconds: recoveryTimeoutSeconds.optional(),
});

const tlsFiles = {
  caFile: doc(z.string().min(1), 'PEM file of the CA that signed the agents’ certificates.', { path: true }).optional(),
  certFile: doc(z.string().min(1), 'PEM file of our own certificate.', { path: true }).optional(),
  keyFile: doc(z.string().min(1), 'PEM file of its private key.', { path: true }).optional(),
  checkHostName: doc(
    z.boolean(),
    'Whether an agent’s certificate must bear its host’s name. The CA is always checked. Default: false.',
  ).optional(),
};
/** Of one host. */
const tls = z.strictObject(tlsFiles);
const agentsTls = z.strictObject({
  ...tlsFiles,
  warnDaysBeforeExpiry: whole(
    0,
    3650,
    'A certificate, an agent’s or our own, that ends within so many days is warned of once. Default: 30.',
  ).optional(),
});

const printable = /^[^\p{Cc}]+$/u;
const hostName = z.string().regex(printable, 'must be text without control characters').max(255);

/** One host, in inventory.hosts and in the files of inventory.files. */
export const hostEntry = z.strictObject({
  name: doc(hostName, 'Name shown to people.'),
  address: doc(
    z
      .string()
      .regex(/^[\w.:%-]+$/, 'must be a host name or an IP address')
      .max(255),
    'Host name or IP address of the agent.',
  ),
  id: doc(
    z.string().regex(printable, 'must be text without control characters').max(100),
    'Id that never changes. Default: the name.',
  ).optional(),
  port: whole(1, 65_535, 'Port of the agent. Default: 54321.').optional(),
  protocol: doc(
    z.enum(Object.keys(agentProtocolIds) as (keyof typeof agentProtocolIds)[]),
    'Default: agents.protocol.',
  ).optional(),
  cluster: doc(hostName, 'Id or name of its cluster. Default: Default.').optional(),
  pmEnabled: doc(
    z.boolean(),
    'Whether power management (fencing) is set up somewhere. It decides the wording of the first alarm.',
  ).optional(),
  tls: tls.optional(),
  plain: doc(z.boolean(), 'Speak without TLS although agents.tls is set.').optional(),
});
export type HostEntry = z.output<typeof hostEntry>;

export const settingsSchema = z.strictObject({
  mode: doc(
    z.enum(['observer', 'manager']),
    'observer: beside an engine, read-only. manager: no engine manages these hosts.',
  ).default(d.mode),
  dataDir: doc(z.string().min(1), 'Directory of the embedded database, the token and the service file.', {
    path: true,
  }).default('.vurti'),
  database: z
    .strictObject({
      url: doc(
        z.string().regex(/^(postgres(ql)?:\/\/.*)?$/, 'must begin with postgres:// or postgresql://'),
        'PostgreSQL to use. Without it an embedded one is started in dataDir. Also taken from DATABASE_URL.',
        { secret: true },
      ).optional(),
      schema: doc(
        z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/, 'must be a lower-case SQL name'),
        'Schema that holds all tables.',
      ).default('vurti'),
      poolSize: whole(3, 100, 'Connections to the database: one keeps it ours, one writes, the others read.').default(
        4,
      ),
      waitSeconds: whole(
        0,
        86_400,
        'How long a start waits for a server that does not answer, before it gives up; 0 = not at all.',
      ).default(3600),
    })
    .prefault({}),
  journal: group(
    {
      maxMiB: whole(
        0,
        1_000_000,
        'While the database is away, changes are kept in dataDir/journal, up to this size; 0 = in memory only.',
      ),
    },
    { maxMiB: 512 },
  ),
  server: z
    .strictObject({
      listen: doc(
        z.string(),
        'Address and port of the HTTP API. An address that others reach needs server.tls and a token (vurti tokens add).',
      ).default('127.0.0.1:8680'),
      tls: z
        .strictObject({
          certFile: doc(
            z.string().min(1),
            'PEM file of the API’s certificate and its chain. Read again when it changes. Its names are accepted as Host.',
            { path: true },
          ),
          keyFile: doc(z.string().min(1), 'PEM file of its private key.', { path: true }),
        })
        .optional(),
      requestsPerSecond: number(
        0,
        100_000,
        'Requests that one client address may send in the long run, five times as many at once; 0 = no limit.',
      ).default(1000),
      allowedHosts: doc(
        z.array(z.string().regex(/^[\w.:[\]-]+$/, 'must be a host name, with a port where it is not 80 or 443')),
        'Further values of the Host header to accept: the names under which a reverse proxy passes requests on.',
      ).default([]),
      maxEventStreams: whole(1, 100_000, 'Readers that may follow the log at once (vurti tail -f).').default(2000),
    })
    .prefault({}),
  inventory: z
    .strictObject({
      files: doc(
        z.array(z.string().min(1)),
        'YAML or JSON files with hosts, in the form of inventory.hosts or of Prometheus file_sd. * and ? stand in the last part of a path. Followed: a change is taken over within seconds.',
        { path: true },
      ).default([]),
      hosts: doc(z.array(hostEntry), 'Hosts to monitor.').default([]),
      clusters: doc(
        z.array(clusterEntry),
        'Facts of clusters. Clusters that hosts name and that are not here have no facts: the rules that need one are off.',
      ).default([]),
      vms: doc(
        z.array(vmEntry),
        'VMs and what is known of them. Others are adopted as agents report them; in manager mode they are foreign once this list is given, even empty.',
      ).optional(),
      sets: doc(
        z.enum(['system', 'cluster']),
        'How hosts are divided into repositories: one for all, or one for each cluster.',
      ).default('system'),
    })
    .prefault({}),
  agents: z
    .strictObject({
      protocol: doc(
        z.enum(['vdsm', 'http']),
        'Protocol of hosts that name none. vdsm: VDSM’s own, JSON-RPC over STOMP. http: a gateway, docs/http-agent.md.',
      ).default('vdsm'),
      tls: agentsTls.optional(),
      maxInFlight: limits.maxInFlight.default(d.agents.maxInFlight),
      maxAnswerMiB: limits.maxAnswerMiB.default(d.agents.maxAnswerMiB),
    })
    .prefault({}),
  poll: group(poll, d.poll),
  push: group(
    {
      enabled: doc(
        z.boolean(),
        'Listen to what agents say by themselves (protocol vdsm). false: they are polled only. A host whose pushes are whole is polled less often, up to poll.maxIntervalSeconds.',
      ),
    },
    d.push,
  ),
  grace: group(grace, d.grace),
  absence: group(absence, d.absence),
  recoveryTimeoutSeconds: recoveryTimeoutSeconds.default(d.recoveryTimeoutSeconds),
  flap: group(
    {
      changes: whole(0, 1000, 'A value that changes this often …; 0 = no value is ever said to flap.'),
      windowSeconds: number(1, 86_400, '… within this time flaps: its events are held back and summed up.'),
    },
    d.flap,
  ),
  statistics: group(
    {
      persistIntervalSeconds: number(
        0,
        86_400,
        'Statistics that changed are written this often; 0 = never. In memory they are always up to date.',
      ),
      historyLimit: whole(0, 1000, 'Samples of CPU, memory and network usage kept in memory per VM.'),
    },
    d.statistics,
  ),
  thresholds: group(
    {
      cpuPercent: number(1, 100, 'A host’s CPU usage above this is reported.'),
      memoryPercent: number(1, 100, 'The same for its memory, unless its cluster says otherwise.'),
      networkPercent: number(1, 100, 'The same for each of its nics.'),
      swapPercent: number(1, 100, 'The same for its swap space.'),
      swapFreeMiB: number(0, 1_000_000, 'Free swap space below this is reported.'),
      diskLowMiB: number(0, 1_000_000, 'Free space on a local disk below this is a warning …'),
      diskCriticalMiB: number(0, 1_000_000, '… and below this an error.'),
      timeDriftSeconds: number(0, 86_400, 'A host’s clock that differs by more is reported; 0 = never.'),
      nicDownGraceSeconds: number(0, 3600, 'A nic may be down this long before its host becomes NonOperational.'),
    },
    d.thresholds,
  ),
  guest: group(
    {
      nicBlacklist: doc(
        z.array(z.string().max(255).refine(isPattern, 'must be a regular expression')),
        'Nics that a guest makes for itself and that are left out: regular expressions for the whole name.',
      ),
    },
    { nicBlacklist: [...d.guest.nicBlacklist] },
  ),
  balloon: group(
    { iterations: whole(1, 1000, 'Polls in a row with a balloon problem before it is reported.') },
    d.balloon,
  ),
  hostedEngineVmName: doc(
    z.string().min(1).max(255).nullable(),
    'Name of the hosted engine’s VM, by which it is known where nobody told of it.',
  ).default(d.hostedEngineVmName),
  maintenance: group(
    {
      ignoreExternalVms: doc(z.boolean(), 'VMs made outside may stay on a host that goes into Maintenance.'),
      retrySeconds: number(1, 86_400, 'A host that leaves and still has VMs is asked so often to move them.'),
    },
    d.maintenance,
  ),
  fencing: group(
    {
      startupDelaySeconds: number(0, 86_400, 'No host is fenced that soon after the start of the service.'),
      rebootSeconds: number(0, 86_400, 'A host that is being rebooted may be silent for so long.'),
    },
    d.fencing,
  ),
  autoRecovery: group(
    {
      hosts: doc(z.boolean(), 'NonOperational hosts are activated again when nothing that is known forbids it.'),
      intervalSeconds: number(10, 86_400, 'They are looked through this often.'),
    },
    d.autoRecovery,
  ),
  haRestart: group(
    {
      retrySeconds: number(1, 86_400, 'A highly available VM whose restart failed is tried again after this …'),
      shortTries: whole(1, 1000, '… until so many tries have failed, …'),
      longRetrySeconds: number(1, 86_400, '… and after this from then on, for ever.'),
      maxBlockedSeconds: number(0, 86_400, 'It waits no longer than this, in all, for VMs of higher priority.'),
    },
    d.haRestart,
  ),
  events: group(
    {
      retentionDays: number(0, 36_500, 'Records of the log that are older are removed; 0 = none.'),
      maxRows: whole(0, 1_000_000_000, 'When there are more records than this, the oldest are removed; 0 = no limit.'),
    },
    d.events,
  ),
  watchdog: group(
    {
      intervalSeconds: number(0, 86_400, 'Hosts without an answer are looked for this often; 0 = never.'),
      thresholdSeconds: number(1, 86_400, 'A monitored host that did not answer for so long is named in the log.'),
    },
    d.watchdog,
  ),
  clusters: doc(
    z.record(z.string(), override),
    'Own poll, grace, agents, absence and recoveryTimeoutSeconds by cluster id or name.',
  ).default({}),
  hosts: doc(z.record(z.string(), override), 'The same by host id or name. A host’s win over its cluster’s.').default(
    {},
  ),
  actions: z
    .strictObject({
      destroyLeftovers: doc(
        z.boolean(),
        'What is left of VMs on their hosts is destroyed (VM.destroy). In manager mode only.',
      ).default(d.actions.destroyLeftovers),
    })
    .prefault({}),
  sinks: doc(
    z.array(sinkEntry).max(20),
    'Who is told of events. A new one begins with what comes after it was added.',
  ).default([]),
  metrics: z
    .strictObject({
      perVm: doc(
        z.boolean(),
        'Whether GET /metrics has series of single VMs; counts by cluster and status are always there.',
      ).default(true),
      statusSeries: doc(
        z.enum(['code', 'enum']),
        'code: one series per VM with oVirt’s number of its status. enum: one per VM and status.',
      ).default('code'),
    })
    .prefault({}),
  tracing: z
    .strictObject({
      endpoint: doc(
        z.string().regex(/^https?:\/\/\S+$/, 'is no http or https URL'),
        'Where traces go, as OTLP over HTTP in JSON: http://127.0.0.1:4318. Without a path it is /v1/traces. Nothing is traced without it.',
      ).optional(),
      sampleRatio: doc(z.number().min(0).max(1), 'Which share of polls is traced, 0–1.').default(1),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: doc(
        z.enum(['debug', 'info', 'warn', 'error']),
        'Least severity of messages on stderr. On a terminal info is left out unless it is set here.',
      ).default('info'),
      format: doc(z.enum(['auto', 'pretty', 'json']), 'auto: pretty on a terminal, JSON elsewhere.').default('auto'),
    })
    .prefault({}),
});
export type Settings = z.output<typeof settingsSchema>;
/** Settings as code gives them: every member may be left out. */
export type SettingsInput = z.input<typeof settingsSchema>;
