import type { HostNic, SimHost } from './entities.js';
import { json } from './text.js';

const cpuFlags = [
  'fpu,vme,de,pse,tsc,msr,pae,mce,cx8,apic,sep,mtrr,pge,mca,cmov,pat,pse36,clflush,mmx,fxsr,sse,sse2,ht,syscall,nx',
  'pdpe1gb,rdtscp,lm,constant_tsc,rep_good,nopl,xtopology,cpuid,pni,pclmulqdq,vmx,ssse3,fma,cx16,pcid,sse4_1,sse4_2',
  'x2apic,movbe,popcnt,tsc_deadline_timer,aes,xsave,avx,f16c,rdrand,hypervisor,lahf_lm,abm,3dnowprefetch,fsgsbase',
  'tsc_adjust,bmi1,avx2,smep,bmi2,erms,invpcid,avx512f,avx512dq,rdseed,adx,smap,clflushopt,clwb,avx512cd,avx512bw',
  'avx512vl,xsaveopt,xsavec,xgetbv1,xsaves,arat,umip,avx512_vnni,md_clear,spec_ctrl,ssbd,arch_capabilities,invtsc',
  'model_486,model_pentium,model_pentium2,model_pentium3,model_Conroe,model_Penryn,model_Nehalem,model_Nehalem-IBRS',
  'model_Westmere,model_Westmere-IBRS,model_SandyBridge,model_SandyBridge-IBRS,model_IvyBridge,model_IvyBridge-IBRS',
  'model_Haswell-noTSX,model_Haswell-noTSX-IBRS,model_Broadwell-noTSX,model_Broadwell-noTSX-IBRS',
  'model_Skylake-Server-noTSX-IBRS,model_Cascadelake-Server-noTSX',
].join(',');

const emulatedMachines = [
  'pc-i440fx-rhel7.6.0',
  'pc',
  'pc-q35-rhel8.4.0',
  'pc-q35-rhel8.6.0',
  'pc-q35-rhel9.0.0',
  'pc-q35-rhel9.2.0',
  'pc-q35-rhel9.4.0',
  'q35',
];

const noAddress = {
  addr: '',
  dhcpv4: false,
  dhcpv6: false,
  gateway: '',
  ipv4addrs: [],
  ipv4defaultroute: false,
  ipv6addrs: [],
  ipv6autoconf: false,
  ipv6gateway: '::',
  mtu: '1500',
  netmask: '',
};

function management(host: SimHost): Record<string, unknown> {
  return {
    ...noAddress,
    addr: host.address,
    gateway: '10.0.4.1',
    ipv4addrs: [`${host.address}/22`],
    ipv4defaultroute: true,
    netmask: '255.255.252.0',
    opts: { multicast_snooping: '1' },
    stp: 'off',
  };
}

function networkPart(host: SimHost): Record<string, unknown> {
  const [first, second] = host.nics as [HostNic, HostNic];
  const vlan = `${second.name}.100`;
  const mgmt = { ...management(host), ports: [first.name] };
  const vmnet = { ...noAddress, opts: { multicast_snooping: '1' }, stp: 'off', ports: [vlan] };
  return {
    bondings: {},
    bridges: { ovirtmgmt: mgmt, vmnet },
    networks: {
      ovirtmgmt: { ...mgmt, bridged: true, iface: 'ovirtmgmt', switch: 'legacy' },
      vmnet: { ...vmnet, bridged: true, iface: 'vmnet', switch: 'legacy' },
    },
    nics: Object.fromEntries(
      host.nics.map(({ name, mac, up, speedMbps }) => [
        name,
        { ...noAddress, hwaddr: mac, permhwaddr: mac, speed: up ? speedMbps : 0 },
      ]),
    ),
    vlans: { [vlan]: { ...noAddress, iface: second.name, mtu: 1500, vlanid: 100 } },
    nameservers: ['10.0.4.1'],
    lastClientIface: 'ovirtmgmt',
    netConfigDirty: 'False',
  };
}

function processors(host: SimHost): Record<string, unknown> {
  const { threads, sockets, memoryMb } = host.size;
  const cores = threads / 2;
  const perSocket = threads / sockets;
  const cpus = Array.from({ length: threads }, (_, cpu) => cpu);
  return {
    cpuCores: String(cores),
    cpuThreads: String(threads),
    cpuSockets: String(sockets),
    cpuSpeed: '2596.148',
    cpuModel: 'Intel(R) Xeon(R) Gold 6240R CPU @ 2.40GHz',
    cpuFlags,
    onlineCpus: cpus.join(','),
    cpuTopology: cpus.map((cpu) => ({
      core_id: Math.floor((cpu % perSocket) / 2),
      cpu_id: cpu,
      die_id: 0,
      numa_cell_id: Math.floor(cpu / perSocket),
      socket_id: Math.floor(cpu / perSocket),
    })),
    vdsmToCpusAffinity: [1],
    numaNodes: Object.fromEntries(
      Array.from({ length: sockets }, (_, node) => [
        String(node),
        {
          cpus: cpus.filter((cpu) => Math.floor(cpu / perSocket) === node),
          hugepages: {
            '4': { totalPages: String(Math.floor((memoryMb * 256) / sockets)) },
            '2048': { totalPages: '0' },
            '1048576': { totalPages: '0' },
          },
          totalMemory: String(Math.floor(memoryMb / sockets)),
        },
      ]),
    ),
    numaNodeDistance: Object.fromEntries(
      Array.from({ length: sockets }, (_, node) => [
        String(node),
        Array.from({ length: sockets }, (__, other) => (other === node ? 10 : 21)),
      ]),
    ),
  };
}

/** What all hosts of the fleet have in common: one release of one distribution. */
const common = {
  HBAInventory: { FC: [], iSCSI: [{ InitiatorName: 'iqn.1994-05.test.example:sim' }] },
  ISCSIInitiatorName: 'iqn.1994-05.test.example:sim',
  additionalFeatures: ['libgfapi_supported', 'GLUSTER_SNAPSHOT', 'GLUSTER_GEO_REPLICATION', 'GLUSTER_BRICK_MANAGEMENT'],
  autoNumaBalancing: 1,
  backupEnabled: true,
  cd_change_pdiv: true,
  clearBitmapsEnabled: true,
  clusterLevels: ['4.2', '4.3', '4.4', '4.5', '4.6', '4.7'],
  coldBackupEnabled: true,
  deferred_preallocation: true,
  domain_versions: [0, 2, 3, 4, 5],
  emulatedMachines,
  fipsEnabled: false,
  guestOverhead: '65',
  hooks: {},
  hostdevPassthrough: 'false',
  hostedEngineDeployed: false,
  hugepages: [2048, 1_048_576],
  kdumpStatus: 0,
  kernelArgs: 'BOOT_IMAGE=/vmlinuz-5.14.0-503.11.1.el9_5.x86_64 root=/dev/mapper/onn-root ro crashkernel=auto',
  kernelFeatures: { RETP: 1, PTI: 0, IBRS: 0 },
  kvmEnabled: 'true',
  liveMerge: 'true',
  liveSnapshot: 'true',
  mailbox_events: true,
  measure_active: true,
  measure_subchain: true,
  nestedVirtualization: false,
  operatingSystem: { name: 'RHEL', pretty_name: 'CentOS Stream 9', release: '30.el9', version: '9' },
  ovnConfigured: false,
  packages2: {
    kernel: { release: '503.11.1.el9_5.x86_64', version: '5.14.0' },
    libvirt: { release: '7.el9', version: '10.5.0' },
    'qemu-kvm': { release: '5.el9', version: '9.0.0' },
    vdsm: { release: '1.el9', version: '4.50.6' },
  },
  qemu_image_info_bitmaps: true,
  realtimeKernel: false,
  refresh_disk_supported: true,
  replicate_extend: true,
  reservedMem: '321',
  rngSources: ['random', 'hwrng'],
  selinux: { mode: '1' },
  software_revision: '1',
  software_version: '4.50.6',
  supportedENGINEs: ['4.3', '4.4', '4.5'],
  supported_block_size: { FCP: [512], GLUSTERFS: [0, 512, 4096], ISCSI: [512], LOCALFS: [0, 512, 4096], NFS: [512] },
  supportsIPv6: true,
  tscFrequency: '2596148000',
  tscScaling: true,
  version_name: 'Snow Man',
  vmTypes: ['kvm'],
  vncEncrypted: false,
  zerocopy_migrations: true,
} as const;

/** Host.getCapabilities (vdsm-protocol.md §4.7). Asked for seldom, so it is written anew each time. */
export function capabilities(host: SimHost): string {
  return json({
    ...common,
    ...processors(host),
    ...networkPart(host),
    boot_uuid: host.bootId,
    memSize: String(host.size.memoryMb),
    uuid: host.id,
  });
}

export function hardwareInfo(host: SimHost): string {
  return json({
    systemManufacturer: 'Example Inc.',
    systemProductName: host.size.threads > 64 ? 'Rack 9200' : 'Rack 9000',
    systemVersion: 'A01',
    systemSerialNumber: host.serial,
    systemUUID: host.id,
    systemFamily: 'Rack',
  });
}
