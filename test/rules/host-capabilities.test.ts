import { describe, expect, it } from 'vitest';
import type { Cluster, ClusterNetwork, Vds, VdsCapabilitiesReport } from '../../src/model/index.js';
import { clusterNeeds, decideHost, type HostVerdict, missingNetworks } from '../../src/rules/index.js';
import { capabilities, host } from '../support/entities.js';
import { cluster, type HostCaseMore, hostCase, network } from '../support/host-case.js';

type Report = Partial<VdsCapabilitiesReport>;

const contact = (h: Vds, report: Report, more: HostCaseMore = {}): HostVerdict =>
  decideHost(hostCase(h, more), {
    kind: 'capabilities',
    report: capabilities({ selinuxMode: 'ENFORCING', ...report }),
  });

/** What breaks: the reason, then the events with their parameters, without word of the status. */
function found({ draft }: HostVerdict): unknown[] {
  const events = draft.events.filter(({ name }) => name !== 'VDS_DETECTED');
  return [draft.dynamic.nonOperationalReason, ...events.map(({ name, params }) => [name, params])];
}
const fine = ['NONE'];
const connecting = host('h1', 'Connecting');
const up = host('h1', 'Up', { cpuFlags: 'nx,vmx,model_Haswell' });

const broken = (reason: string, event: string, params: object = {}): unknown[] => [reason, [event, params]];
const networkBroken = (...names: string[]) =>
  broken('NETWORK_UNREACHABLE', 'VDS_SET_NONOPERATIONAL_NETWORK', { Networks: names.join(',') });
const bridgeless = (Networks: string) =>
  broken('VM_NETWORK_IS_BRIDGELESS', 'VDS_SET_NON_OPERATIONAL_VM_NETWORK_IS_BRIDGELESS', { Networks });
const machineBroken = (hostSupportedEmulatedMachines: string, clusterEmulatedMachines: string) =>
  broken('EMULATED_MACHINES_INCOMPATIBLE_WITH_CLUSTER', 'EMULATED_MACHINES_INCOMPATIBLE_WITH_CLUSTER', {
    ...{ hostSupportedEmulatedMachines, clusterEmulatedMachines },
  });
const rngBroken = (hostSupportedRngSources: string, clusterRequiredRngSources: string) =>
  broken('RNG_SOURCES_INCOMPATIBLE_WITH_CLUSTER', 'RNG_SOURCES_INCOMPATIBLE_WITH_CLUSTER', {
    ...{ hostSupportedRngSources, clusterRequiredRngSources },
  });
const on = (name: string, bridged = true) => ({ name, bridged });

const vmNetwork = network('vms', { vmNetwork: true, required: false });
const plainNetwork = network('store', { vmNetwork: false, required: false });

describe('networks (§2.4 rows 2 and 3)', () => {
  it.each<[string, ClusterNetwork[], VdsCapabilitiesReport['networks'], unknown[]]>([
    ['all there', [network('a'), network('b')], [on('a'), on('b')], fine],
    ['some missing, named in order', [network('c'), network('a'), network('b')], [on('b')], networkBroken('a', 'c')],
    ['not required', [network('a', { required: false })], [], fine],
    ['not operational', [network('a', { status: 'NON_OPERATIONAL' })], [], fine],
    ['not known', [], [on('x', false)], fine],
    ['a VM network without a bridge', [vmNetwork], [on('vms', false)], bridgeless('vms')],
    ['a VM network with its bridge', [vmNetwork], [on('vms')], fine],
    ['another network needs none', [plainNetwork], [on('store', false)], fine],
    ['a network that is not the cluster’s needs none', [plainNetwork], [on('x', false)], fine],
    [
      'several without a bridge, named in order',
      [vmNetwork, { ...vmNetwork, name: 'guests' }, plainNetwork],
      [on('vms', false), on('guests', false), on('store', false)],
      bridgeless('guests,vms'),
    ],
    ['missing before bridgeless', [network('a'), vmNetwork], [on('vms', false)], networkBroken('a')],
  ])('%s', (_, networks, onHost, expected) => {
    expect(found(contact(connecting, { networks: onHost }, { networks }))).toEqual(expected);
  });

  it('are listed as missing by name', () => {
    const networks = [network('b'), network('off', { status: 'NON_OPERATIONAL' }), network('a'), network('c')];
    expect(missingNetworks(networks, [{ name: 'c' }])).toEqual(['a', 'b']);
  });
});

describe('CPU (§2.4.1)', () => {
  const needs = (...cpuFlags: string[]) => ({ cluster: cluster({ cpuFlags }) });
  const unsupported = broken(
    'CPU_TYPE_UNSUPPORTED_IN_THIS_CLUSTER_VERSION',
    'CPU_TYPE_UNSUPPORTED_IN_THIS_CLUSTER_VERSION',
  );
  const lower = (CpuFlags: string) =>
    broken('CPU_TYPE_INCOMPATIBLE_WITH_CLUSTER', 'VDS_CPU_LOWER_THAN_CLUSTER', { CpuFlags });
  const haswell = ['nx', 'vmx', 'model_Haswell'];

  it.each<[string, Vds, string[] | null, HostCaseMore, unknown[]]>([
    ['a model that is known', connecting, haswell, {}, fine],
    ['no model among the flags', connecting, ['nx', 'vmx'], {}, unsupported],
    ['a flag that only ends like a model', connecting, ['my_model_'], {}, unsupported],
    ['flags not reported', connecting, null, needs('vmx'), fine],
    ['all that the cluster asks for', connecting, haswell, needs('vmx', 'nx'), fine],
    ['the cluster’s flags are not known', connecting, haswell, { cluster: cluster() }, fine],
    ['nothing is known of the cluster', connecting, haswell, {}, fine],
    ['flags are missing', connecting, haswell, needs('avx', 'vmx', 'aes'), lower('avx,aes')],
    ['nx is missing', connecting, ['model_Haswell'], needs('nx'), [...lower('nx'), ['CPU_FLAGS_NX_IS_MISSING', {}]]],
    // Row 11: while the host is Up the check is asked again only when the flags change.
    ['Up, with the flags of before', up, ['nx', 'vmx'], needs('avx'), fine],
    ['NonOperational: asked at every contact', host('h1', 'NonOperational'), haswell, needs('avx'), lower('avx')],
  ])('%s', (_, h, cpuFlags, more, expected) => {
    expect(found(contact(h, { cpuFlags }, more))).toEqual(expected);
  });

  it.each([
    ['nx,vmx,model_Haswell', fine],
    ['nx', [...lower('vmx')]],
  ])('Up, with flags that were compared as %s', (said, expected) => {
    const report: Report = { cpuFlags: ['model_Haswell', 'nx'], dynamic: { cpuFlags: said } };
    expect(found(contact(up, report, needs('vmx', 'nx')))).toEqual(expected);
  });

  it('Up, and its model is gone with a change of flags', () => {
    expect(found(contact(up, { cpuFlags: ['nx'], dynamic: { cpuFlags: 'nx' } }))).toEqual(unsupported);
  });
});

describe('software (§2.4 rows 6 to 9, §2.4.2)', () => {
  const rhel = (of: string, previousRhel = 'RHEL - 7.9 - 1.el7') =>
    broken('MIXING_RHEL_VERSIONS_IN_CLUSTER', 'MIXING_RHEL_VERSIONS_IN_CLUSTER', { previousRhel, addingRhel: of });
  const os = (hostOs: string | null): Report => ({ dynamic: { hostOs } });
  const in7: HostCaseMore = { firstUpHostOs: 'RHEL - 7.9 - 1.el7' };
  const level = (VdsSupportedVersions: string) =>
    broken('CLUSTER_VERSION_INCOMPATIBLE_WITH_CLUSTER', 'VDS_CLUSTER_VERSION_NOT_SUPPORTED', {
      ...{ CompatibilityVersion: '4.7', VdsSupportedVersions },
    });
  const lacks = (UnSupportedFeature: string) =>
    broken('HOST_FEATURES_INCOMPATIBILE_WITH_CLUSTER', 'HOST_FEATURES_INCOMPATIBILE_WITH_CLUSTER', {
      UnSupportedFeature,
    });
  const of = (facts: Partial<Cluster>): HostCaseMore => ({ cluster: cluster(facts) });
  const pair = of({ emulatedMachine: 'pc-i440fx-rhel7.6.0;pc-q35-rhel8.1.0' });

  it.each<[string, Report, HostCaseMore, unknown[]]>([
    ['KVM works', { dynamic: { kvmEnabled: true } }, {}, fine],
    ['KVM does not work', { dynamic: { kvmEnabled: false } }, {}, broken('KVM_NOT_RUNNING', 'VDS_RUN_IN_NO_KVM_MODE')],
    ['nothing is said of KVM', { dynamic: { kvmEnabled: null } }, {}, fine],

    ['the machine', { emulatedMachines: ['q35', 'pc'] }, of({ emulatedMachine: 'q35' }), fine],
    ['another machine', { emulatedMachines: ['pc'] }, of({ emulatedMachine: 'q35' }), machineBroken('pc', 'q35')],
    ['no list of machines', { emulatedMachines: null }, of({ emulatedMachine: 'q35' }), machineBroken('', 'q35')],
    ['no machine is asked for', { emulatedMachines: null }, of({ emulatedMachine: null }), fine],
    ['machines, and nothing known of the cluster', { emulatedMachines: ['pc'] }, {}, fine],
    ['both of a pair', { emulatedMachines: ['pc-q35-rhel8.1.0', 'pc-i440fx-rhel7.6.0'] }, pair, fine],
    [
      'one of a pair',
      { emulatedMachines: ['pc-q35-rhel8.1.0', 'pc'] },
      pair,
      machineBroken('pc-q35-rhel8.1.0,pc', 'pc-i440fx-rhel7.6.0,pc-q35-rhel8.1.0'),
    ],
    ['a pair of which one is empty', { emulatedMachines: ['q35'] }, of({ emulatedMachine: 'q35;' }), fine],

    ['el7 as the others', os('RHEL - 7.6 - 4.el7'), in7, fine],
    ['el6 among el7', os('RHEL - 6.9 - 4.el6'), in7, rhel('RHEL - 6.9 - 4.el6')],
    ['el6 among el7, of its kin', os('oVirt Node - 6 - 1.el6'), in7, rhel('oVirt Node - 6 - 1.el6')],
    ['el6 among el7, another of its kin', os('RHEV Hypervisor - 6 - el6'), in7, rhel('RHEV Hypervisor - 6 - el6')],
    [
      'el7 among el6, without blanks',
      os('RHEL-7-el7'),
      { firstUpHostOs: 'RHEL-6-el6' },
      rhel('RHEL-7-el7', 'RHEL-6-el6'),
    ],
    ['el6 while the cluster is upgraded', os('RHEL - 6.9 - 4.el6'), { ...in7, ...of({ upgradeMode: true }) }, fine],
    ['el6 in a cluster that is not upgraded', os('RHEL - 6 - el6'), { ...in7, ...of({}) }, rhel('RHEL - 6 - el6')],
    ['el8: compared with nobody', os('RHEL - 8.2 - 1.el8'), in7, fine],
    ['another system', os('Fedora - 30 - 1.el6'), in7, fine],
    ['an unusual text', os('RHEL - 6 el6'), in7, fine],
    ['a text of four parts', os('RHEL - 6 - 1.el6 - beta'), in7, fine],
    ['no system is said', os(null), in7, fine],
    ['the first of its cluster', os('RHEL - 6.9 - 4.el6'), {}, fine],
    ['among other systems', os('RHEL - 6.9 - 4.el6'), { firstUpHostOs: 'Fedora - 30 - 1.el7' }, fine],

    ['random sources', { rngSources: ['urandom', 'hwrng'] }, of({ additionalRngSources: ['HWRNG'] }), fine],
    ['random sources, said in other letters', { rngSources: ['RANDOM'] }, of({ additionalRngSources: [] }), fine],
    [
      'a source is missing',
      { rngSources: ['random'] },
      of({ additionalRngSources: ['hwrng', 'random'] }),
      rngBroken('random', 'hwrng,random'),
    ],
    [
      'neither random nor urandom',
      { rngSources: ['hwrng'] },
      of({ additionalRngSources: ['hwrng'] }),
      rngBroken('hwrng', 'hwrng'),
    ],
    ['no source at all', { rngSources: [] }, of({ additionalRngSources: [] }), rngBroken('', '')],
    ['sources not reported', { rngSources: null }, of({ additionalRngSources: ['hwrng'] }), fine],
    ['sources of the cluster not known', { rngSources: [] }, of({}), fine],
    ['sources, and nothing known of the cluster', { rngSources: [] }, {}, fine],

    ['the level', { clusterLevels: ['4.6', '4.7'] }, of({ compatibilityVersion: '4.7' }), fine],
    ['lower levels', { clusterLevels: ['4.5', '4.6'] }, of({ compatibilityVersion: '4.7' }), level('4.5,4.6')],
    ['levels not reported', { clusterLevels: null }, of({ compatibilityVersion: '4.7' }), fine],
    ['level of the cluster not known', { clusterLevels: ['4.6'] }, of({}), fine],
    ['levels, and nothing known of the cluster', { clusterLevels: ['4.6'] }, {}, fine],

    ['the features', { additionalFeatures: ['a', 'b'] }, of({ requiredFeatures: ['b'] }), fine],
    ['features are missing', { additionalFeatures: ['b'] }, of({ requiredFeatures: ['a', 'b', 'c'] }), lacks('a,c')],
    ['features not reported', { additionalFeatures: null }, of({ requiredFeatures: ['a'] }), fine],
    ['features of the cluster not known', { additionalFeatures: [] }, of({}), fine],
    ['features, and nothing known of the cluster', { additionalFeatures: [] }, {}, fine],
  ])('%s', (_, report, more, expected) => {
    expect(found(contact(connecting, report, more))).toEqual(expected);
  });
});

describe('the order of the checks', () => {
  /** Breaks everything; each row mends what the row before it was judged by. */
  const all: Report = {
    networks: [on('vms', false)],
    cpuFlags: ['vmx'],
    dynamic: { kvmEnabled: false, hostOs: 'RHEL - 6 - el6' },
    ...{ emulatedMachines: [], rngSources: [], clusterLevels: [], additionalFeatures: [] },
  };
  const facts: HostCaseMore = {
    networks: [network('a'), vmNetwork],
    firstUpHostOs: 'RHEL - 7 - el7',
    cluster: cluster({
      ...{ cpuFlags: ['nx'], emulatedMachine: 'q35', additionalRngSources: [], compatibilityVersion: '4.7' },
      requiredFeatures: ['a'],
    }),
  };

  const steps: [reason: string, mended: Report][] = [
    ['NETWORK_UNREACHABLE', {}],
    ['VM_NETWORK_IS_BRIDGELESS', { networks: [on('a'), on('vms', false)] }],
    ['CPU_TYPE_UNSUPPORTED_IN_THIS_CLUSTER_VERSION', { networks: [on('a')] }],
    ['CPU_TYPE_INCOMPATIBLE_WITH_CLUSTER', { cpuFlags: ['model_Haswell'] }],
    ['KVM_NOT_RUNNING', { cpuFlags: ['model_Haswell', 'nx'] }],
    ['EMULATED_MACHINES_INCOMPATIBLE_WITH_CLUSTER', { dynamic: { kvmEnabled: true, hostOs: 'RHEL - 6 - el6' } }],
    ['MIXING_RHEL_VERSIONS_IN_CLUSTER', { emulatedMachines: ['q35'] }],
    ['RNG_SOURCES_INCOMPATIBLE_WITH_CLUSTER', { dynamic: { kvmEnabled: true, hostOs: 'RHEL - 7 - el7' } }],
    ['CLUSTER_VERSION_INCOMPATIBLE_WITH_CLUSTER', { rngSources: ['random'] }],
    ['HOST_FEATURES_INCOMPATIBILE_WITH_CLUSTER', { clusterLevels: ['4.7'] }],
    ['NONE', { additionalFeatures: ['a'] }],
  ];

  it.each(steps.map(([reason], i) => [reason, i] as const))('%s', (reason, i) => {
    const report: Report = Object.assign({}, all, ...steps.slice(0, i + 1).map(([, mended]) => mended));
    expect(found(contact(connecting, report, facts))[0]).toBe(reason);
  });
});

describe('SELinux is remarked upon, and breaks nothing (§2.4 row 1)', () => {
  const remark = (Mode: string) => ['NONE', ['VDS_NO_SELINUX_ENFORCEMENT', { Mode }]];

  it.each<[string | null, HostCaseMore, unknown[]]>([
    ['ENFORCING', {}, fine],
    ['PERMISSIVE', {}, fine],
    ['PERMISSIVE', { cluster: cluster({ gluster: false }) }, fine],
    ['PERMISSIVE', { cluster: cluster({ gluster: true }) }, remark('PERMISSIVE')],
    ['DISABLED', {}, remark('DISABLED')],
    [null, {}, remark('UNKNOWN')],
  ])('%s', (selinuxMode, more, expected) => {
    expect(
      found(contact(connecting, { selinuxMode: selinuxMode as VdsCapabilitiesReport['selinuxMode'] }, more)),
    ).toEqual(expected);
  });
});

describe('what has to be known of a cluster', () => {
  const needOf = (rule: string) => clusterNeeds.find((need) => need.rule === rule)!;
  const none = new Map<string, ClusterNetwork>();

  it.each<[string, Partial<Cluster>]>([
    ['host.check.cpu-flags', { cpuFlags: [] }],
    ['host.check.emulated-machine', { emulatedMachine: 'q35' }],
    ['host.check.rng-sources', { additionalRngSources: [] }],
    ['host.check.cluster-level', { compatibilityVersion: '4.7' }],
    ['host.check.features', { requiredFeatures: [] }],
  ])('%s', (rule, facts) => {
    expect(needOf(rule).known(cluster(), none)).toBe(false);
    expect(needOf(rule).known(cluster(facts), none)).toBe(true);
  });

  it.each(['host.check.required-networks', 'host.check.vm-networks-bridged', 'host.nic-down'])('%s', (rule) => {
    expect(needOf(rule).needs).toBe('networks of the cluster');
    expect(needOf(rule).known(cluster(), none)).toBe(false);
    expect(needOf(rule).known(cluster(), new Map([['a', network('a')]]))).toBe(true);
  });

  it('is nothing for checks of the host alone', () => {
    const canBeKnown = clusterNeeds.filter(({ rule }) => rule.startsWith('host.') && !rule.includes(' '));
    expect(clusterNeeds.map(({ rule }) => rule).filter((rule) => rule.includes(' '))).toEqual([
      'host.nic-down by labels',
      'version of the engine',
    ]);
    expect(canBeKnown.map(({ rule }) => rule).sort()).toEqual([
      ...['host.check.cluster-level', 'host.check.cpu-flags', 'host.check.emulated-machine', 'host.check.features'],
      ...['host.check.required-networks', 'host.check.rng-sources', 'host.check.vm-networks-bridged', 'host.nic-down'],
    ]);
  });
});
