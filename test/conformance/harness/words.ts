import { catalogue } from '../../../src/events/index.js';
import { type ConformanceCase, type Facts, factsOf, isFacts, listOf, show, textOf } from './case.js';

/** Keys of one part of a case, as paths; lists are no step of a path, `*` is any one name. */
type Keys = readonly string[];

interface AreaKeys {
  readonly given: Keys;
  readonly reported: Keys;
  readonly expect: Keys;
}

const under = (prefix: string, names: string): Keys => names.split(' ').map((name) => `${prefix}.${name}`);
const each = (names: string): Keys => names.split(' ');

const vmColumns =
  'status runOn migratingTo ip fqdn guestUser consoleUser appList currentCd clientIp exitStatus exitMessage exitReason ' +
  'pauseStatus lastWatchdogEvent lastWatchdogAction guestAgentNicsHash currentCpuPinning';
const vmFacts =
  `id name ha origin priority lease cpuPinningPolicy asyncRunning coldReboot secondsSinceForcedDestroy ${vmColumns}` +
  ' memWithOverheadMb minAllocatedMemMb vcpus';
const vmReported =
  'id name status exitStatus exitMessage exitReason pauseStatus monitorResponse clientIp guestUser appList guestFQDN fqdn ' +
  'currentCd timestamp migrationProgress lastWatchdogEvent lastWatchdogAction hash';
const hostColumns =
  'status vmCount pendingVcpus pendingMemoryMb nonOperationalReason physicalMemMb guestOverhead memCommited vmsCoresCount ' +
  'cpuFlags incomingMigrations outgoingMigrations usageCpuPercent usageMemPercent usageNetworkPercent cpuUser cpuSys cpuIdle cpuLoad';
const hostFacts = `${hostColumns} attemptsBefore secondsSinceLastUpdate secondsInStatus spm pmEnabled inServerRebootTimeout recoveryTimerPending`;
const events = ['events', 'events.type', 'events.vm', 'events.params.*', 'notEvents'];
const actions = ['actions', 'actions.*', 'notActions', 'notActions.*'];
const cluster = 'additionalRng cpuFlags emulatedMachine gluster level upgradeMode memThreshold type networks'.split(
  ' ',
);
const nic = 'name status network vlanId base bond';
const network = 'name required vm status';

const vmKeys: AreaKeys = {
  given: [
    ...each('monitoredHost hostInitialized hostBalloonEnabled saveExternalDataFails vmLockBusy fetchTime vmChangedAt'),
    ...each(
      'hostJustCameUp expectedOnHost analysisFailsFor vm vms lastReport.host lastReport.timestamp hosts.*.status',
    ),
    ...under('vm', vmFacts),
    ...under('vms', vmFacts),
  ],
  reported: [
    ...each('mode vm vms failure allChanged fetchTime timestamp'),
    ...under('vm', vmReported),
    ...under('vms', vmReported),
  ],
  expect: [
    ...events,
    ...actions,
    ...each('vm saved statisticsSaved statisticsReset migrationProgress lastStopTimeSet coldRebootFlagCleared'),
    ...each('hostInitialized processDown dbWrites dbWrites.table dbWrites.batchOrder'),
    ...under('vm', `${vmColumns} name ha origin`),
    ...under('vms.*', vmColumns),
  ],
};

/** All keys that the harness drives or asserts: a case with any other one fails, lest it passes for not being looked at. */
const areas: Readonly<Record<string, AreaKeys>> = {
  vm: vmKeys,
  'vm-pass': vmKeys,
  audit: { given: ['host'], reported: each('events pauseStatus'), expect: each('extraEvent stored storedAtSec') },
  balloon: {
    given: each('config.IterationsWithBalloonProblem last vm.minAllocatedMemMb'),
    reported: each('balloonCurrentKiB consecutiveBadPolls current polls target'),
    expect: [...events, 'balloonWorking', 'eventsAtPolls.*'],
  },
  devices: {
    given: each('knownHash knownTime vmStatus dbDevices dbDevices.id dbDevices.managed dbDevices.type'),
    reported: deviceNews(['', 'sequence.', 'then.']),
    expect: each('added addedOnce dumpXml dumpXmlCalls hashSaved hashesSaved logicalName removed updated'),
  },
  external: {
    given: each('config.HostedEngineVmName'),
    reported: under('xml', 'memMb name vcpus'),
    expect: [...actions, ...under('vmStatic', 'memMb name origin sockets')],
  },
  guest: {
    given: each('config.blacklist vm.guestAgentNicsHash vm.ip vm.status vmNics vmNics.mac vmNics.profile'),
    reported: [...each('mode netIfaces nicsHash status'), ...under('netIfaces', 'hw inet inet6 name')],
    expect: each('dbWrites guestNics vm.guestAgentNicsHash vm.ip vm.status vmIp'),
  },
  host: {
    given: [
      ...under('config', 'NumberVmRefreshesBeforeSave watchdogIntervalSec watchdogThresholdSec'),
      ...under('host', 'pendingVcpus secondsSinceLastUpdate status vmCount'),
      ...each(
        'firstRefresh previousCallPending vmsOnHost hosts.*.secondsSinceLastUpdate hosts.*.status hosts.*.vmCount',
      ),
    ],
    reported: each('engineStart getCapabilities ticks'),
    expect: [
      ...each('agentCalls getCapabilitiesAtTicks getStatsAtTicks hostCycle staleWarning vmPoll'),
      ...under('host', hostColumns),
    ],
  },
  'host-failure': {
    given: [...under('host', hostFacts), 'vms', ...under('vms', vmFacts)],
    reported: each(
      'cycle failure failuresOutOfGrace thenMinutes getCapabilities getCapabilities.code getStats getStats.code',
    ),
    expect: [
      ...events,
      ...actions,
      ...each(
        'agentCalls dbWrites graceSeconds restartAtFailures restartCalls restartCalls.atFailure restartCalls.vms',
      ),
      ...under('host', `${hostColumns} attempts secondsSinceLastUpdate`),
      ...under('vms.*', vmColumns),
    ],
  },
  'host-rules': {
    given: [
      ...under('cluster', cluster.join(' ')),
      'clusterNetworks',
      ...under('clusterNetworks', network),
      ...each('firstUpHostOs host.cpuFlags host.status'),
    ],
    reported: each(
      'clusterLevels cpuFlags emulatedMachines hostOs kvmEnabled networks networks.bridged networks.name rngSources selinuxMode',
    ),
    expect: [...events, ...actions, 'agentCallsNot', 'cpuCheck', ...under('host', hostColumns)],
  },
  'host-stats': {
    given: [
      ...under('cluster', 'memThreshold type'),
      ...under('config', 'critical low threshold'),
      ...each('engineTime host interfaces interfaces.name vms'),
      ...under('host', hostColumns),
      ...under('vms', 'id known memWithOverheadMb status vcpus'),
    ],
    reported: [
      ...each('cpuLoad cpuSys cpuUser dateTime diskStats diskStats.* *.rxRate *.txRate memFree ops swapFree swapTotal'),
      ...each('hugepages hugepages.*.free hugepages.*.nr reports_validPaths reports_validPaths.*'),
    ],
    expect: [
      ...events,
      ...each(
        'changed cpuLoad incomingMigrations outgoingMigrations pendingCpus pendingMemoryMb usageMemPercent vmCount',
      ),
      ...under('host', hostColumns),
    ],
  },
  jobs: {
    given: each('dbJobs.* jobs.* startTimes.*'),
    reported: each('engineStart fetchTime vmDeleted vms vms.*'),
    expect: each('ignored jobs.* removed updated'),
  },
  luns: {
    given: each('dbLunSizesGb.* poweringUp'),
    reported: each('lunSizesGb lunSizesGb.*'),
    expect: each('updatedLuns updatedLuns.*'),
  },
  maintenance: {
    given: [
      ...each(
        'config.MaintenanceVdsIgnoreExternalVms imageTransfers setStatus vmsOnHost vmsOnHost.external vmsOnHost.id',
      ),
      ...under('host', 'secondsInStatus status vmCount'),
    ],
    reported: ['getStats'],
    expect: [...events, ...actions, 'dbWrites', 'nextRetryInSec', ...under('host', hostColumns)],
  },
  network: {
    given: [
      ...each('clusterNetworks host.status hostNetworks interfaces previous.* problematicSinceSec sequence'),
      ...under('clusterNetworks', network),
      ...under('interfaces', nic),
    ],
    reported: ['getStats'],
    expect: [
      ...events,
      ...actions,
      ...each('missing problematicNics problematicNics.*'),
      ...under('host', hostColumns),
    ],
  },
  parsing: { given: [], reported: ['statusText'], expect: ['vmStatus'] },
  recovery: {
    given: [
      ...each('config.AutoRecoveryAllowedTypes.hosts hosts runVm vms vm'),
      ...under('hosts', 'nonOperationalReason problematicNic recoverable status'),
      ...under('vm', 'id ha status exitStatus priority'),
      ...under('vms', 'id ha status exitStatus priority'),
    ],
    reported: each('engineStart failedTries run'),
    expect: [...actions, ...each('blocked delaysSec eventsEach queue startOrder')],
  },
  statistics: {
    given: each('history limit previous previous.offset previous.sampleTime previous.total vcpus'),
    reported: [
      ...each('cpuSys cpuUser drops sampleTime speedMbps total value'),
      ...under('disk', 'imageID readRate writeRate readOps writeOps readLatency writeLatency flushLatency truesize'),
    ],
    expect: [
      ...each('disks drops history offset ratePercent sampleTime speedMbps total usageCpuPercent cpuUser cpuSys'),
      ...each('readLatencySeconds writeLatencySeconds flushLatencySeconds readRate writeRate readOps writeOps'),
    ],
  },
};

function deviceNews(places: readonly string[]): Keys {
  const news = each(
    'fetchTime fullList hash removeDevice updateDevice devices devices.address devices.device devices.id',
  );
  const all = [...news, 'devices.type', 'guestDiskMapping.*.name'];
  return [...places.flatMap((place) => all.map((key) => place + key)), 'sequence'];
}

/** Words for an action; any other one would be an action that never occurs. */
const actionWords: ReadonlySet<string> = new Set(
  (
    'activateVds addExternalVm autoRun cancelRecoveryTimer clearHotUnplugMarks clearVmNuma coldReboot confirmRunning destroy ' +
    'disconnectStoragePool fencingTreatment importHostedEngine initVdsOnUp maintenanceNumberOfVdss migrateVms movedToDown ' +
    'poweringUp refreshIsoCache removeAsync removeFromAsync rerun saveExternalData setNonOperational succeededToRun unmanaged'
  ).split(' '),
);

/** Words that a key may say. */
const words: Readonly<Record<string, readonly unknown[]>> = {
  failure: ['network', 'unknown host name', 'command failed'],
  mode: ['poll', 'event'],
  cycle: ['success'],
  getStats: ['nic down', 'nic still down', 'ok', 'timeout', 'fail'],
  getCapabilities: ['ok', 'fail', 'timeout'],
  run: ['autoRecovery', 'haRunner'],
  runVm: ['fails'],
  setStatus: ['NonResponsive'],
};

/** What a case says that the harness does not understand; empty for one that can be run. */
export function misunderstood(c: ConformanceCase): string[] {
  const keys = areas[c.area];
  if (keys === undefined) return [`there is no harness for the area "${c.area}"`];
  const problems: string[] = [];
  for (const part of ['given', 'reported', 'expect'] as const) {
    const patterns = keys[part].map((key) => key.split('.'));
    for (const path of pathsOf(c[part])) {
      if (!patterns.some((pattern) => fits(pattern, path)))
        problems.push(`${part}.${path.join('.')} is not a known key`);
    }
  }
  for (const facts of [c.given, c.reported]) problems.push(...strangeWords(facts));
  return [...problems, ...strangeEvents(c), ...strangeActions(c.expect)];
}

/** Every path that ends at a value; lists are no step of a path. */
function pathsOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (Array.isArray(value) && value.some(isFacts)) return value.flatMap((item) => pathsOf(item, path));
  if (isFacts(value) && Object.keys(value).length > 0) {
    return Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]));
  }
  // A key that holds nothing says nothing that could be passed over.
  return path.length === 0 || (isFacts(value) && path.length > 0) ? [] : [path];
}

const fits = (pattern: readonly string[], path: readonly string[]): boolean =>
  path.length === pattern.length && path.every((name, i) => pattern[i] === '*' || pattern[i] === name);

function strangeWords(facts: Facts): string[] {
  return Object.entries(facts).flatMap(([key, value]) => {
    const known = words[key];
    if (known === undefined || known.includes(value) || isCode(value)) return [];
    return [`${key}: ${show(value)} is not understood`];
  });
}

const isCode = (value: unknown): boolean => isFacts(value) && typeof value['code'] === 'number';

function strangeEvents({ area, reported, expect }: ConformanceCase): string[] {
  const names = [
    ...listOf(expect['events']).map((event) => factsOf(event)['type']),
    ...listOf(expect['notEvents']),
    ...Object.keys(factsOf(expect['eventsAtPolls'])),
    ...[expect['extraEvent'], expect['eventsEach']].filter((name) => name !== undefined && name !== null),
    ...(area === 'audit' ? listOf(reported['events']).map((event) => listOf(event)[0]) : []),
  ];
  return names.filter((name) => !(textOf(name) in catalogue)).map((name) => `there is no event ${show(name)}`);
}

function strangeActions(expect: Facts): string[] {
  const named = [...listOf(expect['actions']), ...listOf(expect['notActions'])].map((action) =>
    isFacts(action) ? Object.keys(action)[0] : action,
  );
  return named.filter((name) => !actionWords.has(textOf(name))).map((name) => `there is no action ${show(name)}`);
}
