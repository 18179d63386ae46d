import { readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createMonitor, type Monitor, vdsStatusIds, vmStatusIds } from '../../../src/index.js';
import { RealTime, silentTelemetry } from '../../../src/kernel/index.js';
import { exitStatusIds, interfaceStatusIds, pauseStatusIds } from '../../../src/model/index.js';
import { PostgresStore } from '../../../src/store/index.js';
import { withDatabase } from '../setup/database.js';

const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../fixtures/vdsm/${name}.json`, import.meta.url), 'utf8'));

/** The VM that the sample has Down was Up before: how it ended is of interest only for a VM that ran here. */
let beforeItsEnd = true;

/** What was not captured, the agent does not know. */
function answer(folder: string, method: string): object {
  try {
    const result = fixture(`${folder}${method}`);
    if (method !== 'Host.getAllVmStats' || !beforeItsEnd) return { result };
    const [first] = result as Record<string, unknown>[];
    const bare = { ...first, vmJobs: {}, disks: {}, network: {} };
    const up = (vm: Record<string, unknown>) =>
      vm['status'] === 'Down' ? { ...bare, vmId: vm['vmId'], vmName: 'ends' } : vm;
    return { result: (result as Record<string, unknown>[]).map(up) };
  } catch {
    return { error: { code: -32601, message: 'Method not found' } };
  }
}

/** An agent that says what the fixtures of a folder say. */
function agentOf(folder: string): Promise<http.Server> {
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString('utf8');
    });
    request.on('end', () => {
      const { method, id } = JSON.parse(body) as { method: string; id: string };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ jsonrpc: '2.0', id, ...answer(folder, method) }));
    });
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

const database = withDatabase();
const agents: http.Server[] = [];
let monitor: Monitor;
let client: pg.Client;

beforeAll(async () => {
  agents.push(await agentOf(''), await agentOf('captured/'));
  const time = new RealTime();
  const store = await PostgresStore.open({
    connection: database.url,
    clock: time,
    scheduler: time,
    telemetry: silentTelemetry,
  });
  const [composed, captured] = agents.map((agent) => (agent.address() as AddressInfo).port) as [number, number];
  monitor = await createMonitor({
    mode: 'observer',
    store,
    settings: { poll: { intervalSeconds: 1, deadlineSeconds: 0.9 }, statistics: { persistIntervalSeconds: 1 } },
    hosts: [
      { id: 'composed', name: 'composed', address: '127.0.0.1', port: composed, protocol: 'http' },
      { id: 'captured', name: 'captured', address: '127.0.0.1', port: captured, protocol: 'http' },
    ],
  });
  await monitor.start();
  await monitor.until('synced', { timeoutSeconds: 20 });
  client = new pg.Client(database.url);
  await client.connect();
  beforeItsEnd = false;
  await vi.waitUntil(() => monitor.vms.where({ status: 'Down' }).length > 0, { timeout: 10_000, interval: 50 });
  // Statistics have their own pace.
  await vi.waitUntil(async () => (await count('vm_statistics_now')) >= 6, { timeout: 15_000, interval: 100 });
});

afterAll(async () => {
  await client?.end();
  await monitor?.stop();
  for (const agent of agents) agent.close();
});

async function count(table: string): Promise<number> {
  const { rows } = await client.query(`SELECT count(*)::int AS n FROM vurti.${table}`);
  return (rows[0] as { n: number }).n;
}

async function row(table: string, where: string): Promise<Record<string, unknown>> {
  const { rows } = await client.query(`SELECT * FROM vurti.${table} WHERE ${where}`);
  return rows[0] as Record<string, unknown>;
}

const WEB = '11111111-2222-4333-8444-000000000001';

/** table, which row, column → value as the database gives it (bigint and numeric as text). */
const expected: readonly [string, string, Record<string, unknown>][] = [
  [
    'vds_dynamic',
    "vds_id = 'composed'",
    {
      status: vdsStatusIds.Up,
      vm_count: '4',
      vm_active: '1',
      vm_migrating: '1',
      incoming_migrations: '0',
      outgoing_migrations: '1',
      reserved_mem: '321',
      guest_overhead: '65',
      net_config_dirty: false,
      transparent_hugepages_state: 'always',
      cpu_cores: '4',
      cpu_threads: '4',
      cpu_sockets: '2',
      cpu_model: 'Example CPU @ 2.60GHz',
      cpu_speed_mh: 2596.148,
      cpu_flags: expect.stringContaining('model_pentium3'),
      online_cpus: '0,1,2,3',
      vdsm_cpus_affinity: '0,1',
      kvm_enabled: true,
      physical_mem_mb: '131072',
      software_version: '4.50.99',
      supported_cluster_levels: '4.6,4.7',
      supported_engines: '4.5',
      host_os: expect.stringContaining('Debian - 12'),
      pretty_name: 'Debian GNU/Linux 12 (bookworm)',
      libvirt_version: 'libvirt-9.0.0-4+deb12u2',
      kernel_version: expect.stringContaining('6.18.44'),
      hw_manufacturer: 'Example Inc.',
      hw_product_name: 'Rack 9000',
      hw_serial_number: 'EX0001',
      hw_uuid: '4c4c4544-0000-4000-8000-000000000001',
      hw_family: 'Rack',
      supported_emulated_machines: expect.stringContaining('pc-q35-7.2'),
      supported_rng_sources: 'RANDOM,HWRNG',
      kdump_status: '-1',
      selinux_enforce_mode: '-1',
      auto_numa_balancing: '2',
      tsc_frequency: '2596148000',
      fips_enabled: false,
      backup_enabled: true,
      hbas: { FC: [], iSCSI: [] },
    },
  ],
  [
    'vds_statistics',
    "vds_id = 'composed'",
    {
      cpu_user: 11.42,
      cpu_sys: 3.08,
      cpu_idle: 85.5,
      cpu_load: 237,
      usage_cpu_percent: '14',
      // 100 - round(100 × (50,688 MiB free + 4 free pages of 1 GiB) / 131,072 MiB)
      usage_mem_percent: '58',
      mem_free: '50688',
      mem_shared: '812',
      swap_free: '16120',
      swap_total: '16383',
      ksm_cpu_percent: '1',
      ksm_pages: '100',
      ksm_state: true,
      anonymous_hugepages: '18432',
      hugepages: { 2048: { nr: 0, free: 0 }, 1048576: { nr: 8, free: 4 } },
      boot_time: new Date(1_794_000_000_000),
      ha_score: '3400',
      ha_configured: true,
      ha_active: true,
      ha_global_maintenance: false,
      ha_local_maintenance: false,
      disk_free_mb: { '/tmp': 30211, '/var/log': 9120, '/var/run/vdsm/': 96512 },
      multipath_valid_paths: { '360014054e75cb132d474c0eae9825766': 1 },
      storage_domains: expect.objectContaining({
        '5d5b1d0e-7a11-4c3c-9a6c-0f0f0f0f0f01': {
          code: 0,
          valid: true,
          actual: true,
          acquired: true,
          delaySeconds: 0.000381,
          lastCheckSeconds: 4.2,
        },
      }),
    },
  ],
  [
    'vds_interface_statistics',
    "vds_id = 'composed' AND name = 'eno1.100'",
    // Counters beyond 2^32, to the byte; the first sample makes the total 0.
    {
      iface_status: interfaceStatusIds.UP,
      speed: '10000',
      rx_total: '0',
      rx_offset: '-4294967296123',
      tx_offset: '-8589934592456',
      rx_drop: '0',
      sample_time: 1795207151.69962,
    },
  ],
  ['vds_interface_statistics', "vds_id = 'composed' AND name = 'eno2'", { iface_status: interfaceStatusIds.DOWN }],
  ['vds_interface_statistics', "vds_id = 'composed' AND name = 'eno1'", { rx_drop: '14' }],
  [
    'vds_interface',
    "vds_id = 'composed' AND name = 'eno1'",
    { network_name: 'ovirtmgmt', bridged: true, mac_addr: '52:54:00:00:00:01', mtu: '1500', addr: '10.0.0.11' },
  ],
  [
    'numa_node',
    "vds_id = 'composed' AND numa_node_index = 0",
    {
      mem_free: '35810',
      usage_mem_percent: '72',
      cpu_user: 11.17,
      cpu_sys: 3.04,
      usage_cpu_percent: '14',
      hugepages: { 4: 9167360, 2048: 0, 1048576: 2 },
    },
  ],
  [
    'vm_dynamic',
    `vm_guid = '${WEB}'`,
    {
      status: vmStatusIds.Up,
      run_on_vds: 'composed',
      vm_host: 'web-01.example.test',
      vm_ip: '192.168.1.21 fe80::546f:1aff:fe2b:0',
      vm_fqdn: 'web-01.example.test',
      guest_cur_user_name: 'root',
      client_ip: '',
      guest_os: '5.14.0-427.el9.x86_64',
      guest_cpu_count: '2',
      app_list: 'kernel-5.14.0-427.el9.x86_64,qemu-guest-agent-8.2.0',
      acpi_enable: true,
      session: 'UserLoggedOn',
      utc_diff: '0',
      exit_status: exitStatusIds.Normal,
      pause_status: pauseStatusIds.NOERR,
      last_watchdog_event: 1795200000.5,
      last_watchdog_action: 'reset',
      graphics: [{ type: 'vnc', port: 5900, tlsPort: null, ip: '10.0.0.11' }],
      guest_timezone_name: 'CET',
      guest_timezone_offset: '60',
      guestos_arch: 'x86_64',
      guestos_distribution: 'CentOS Stream',
      guestos_kernel_version: '5.14.0-427.el9.x86_64',
      guestos_type: 'linux',
      guestos_version: '9',
    },
  ],
  [
    'vm_statistics_now',
    `vm_guid = '${WEB}'`,
    {
      cpu_user: 14.27,
      cpu_sys: 1.93,
      elapsed_time: '86000',
      usage_cpu_percent: '8',
      usage_mem_percent: '37',
      disks_usage: [
        { path: '/', fs: 'xfs', total: '53660876800', used: '12884901888' },
        { path: '/boot', fs: 'xfs', total: '1063256064', used: '312475648' },
      ],
      guest_mem_buffered: '2104',
      guest_mem_cached: '1438504',
      guest_mem_free: '2642784',
      guest_mem_unused: '1202176',
      balloon_current: '4194304',
      balloon_max: '4194304',
      balloon_min: '2097152',
      balloon_target: '4194304',
    },
  ],
  [
    'vm_interface_statistics_now',
    `vm_id = '${WEB}'`,
    {
      mac_addr: '56:6f:1a:2b:00:00',
      name: 'vnet0',
      speed: '1000',
      rx_offset: '-734003200',
      tx_offset: '-91750400',
      sample_time: 86412.77,
    },
  ],
  [
    'disk_image_dynamic_now',
    "image_id = 'ab5d3f10-0000-4000-8000-000000000001'",
    {
      vm_id: WEB,
      read_rate: 10240,
      write_rate: 524288,
      read_ops: '99120',
      write_ops: '218832',
      actual_size: '10737418240',
      read_latency_seconds: 0.00041233,
      write_latency_seconds: 0.001893221,
      flush_latency_seconds: 0,
    },
  ],
  [
    'vm_jobs',
    `vm_id = '${WEB}'`,
    {
      vm_job_id: 'c0ffee00-0000-4000-8000-000000000001',
      job_type: 'block',
      block_job_type: 'commit',
      bandwidth: '0',
      cursor_cur: '1073741824',
      cursor_end: '4294967296',
      image_group_id: 'ab5d3f10-0000-4000-8000-000000000001',
    },
  ],
  [
    'vm_guest_agent_interfaces',
    `vm_id = '${WEB}' AND interface_name = 'eth0'`,
    { mac_address: '56:6f:1a:2b:00:00', ipv4_addresses: ['192.168.1.21'], ipv6_addresses: ['fe80::546f:1aff:fe2b:0'] },
  ],
  // The other three states of a VM.
  [
    'vm_dynamic',
    "vm_guid LIKE '11111111%002'",
    { status: vmStatusIds.Paused, pause_status: pauseStatusIds.ENOSPC, run_on_vds: 'composed' },
  ],
  ['vm_dynamic', "vm_guid LIKE '11111111%003'", { status: vmStatusIds.MigratingFrom, run_on_vds: 'composed' }],
  [
    'vm_dynamic',
    "vm_guid LIKE '11111111%004'",
    {
      status: vmStatusIds.Down,
      run_on_vds: null,
      exit_status: exitStatusIds.Error,
      exit_message: expect.stringMatching(/./),
    },
  ],
  // What a real agent said, captured.
  [
    'vds_dynamic',
    "vds_id = 'captured'",
    { status: vdsStatusIds.Up, vm_count: '3', cpu_model: expect.stringMatching(/./) },
  ],
  ['vm_dynamic', "vm_guid LIKE 'aaaaaaaa%001'", { status: vmStatusIds.Up, run_on_vds: 'captured' }],
  ['vm_dynamic', "vm_guid LIKE 'aaaaaaaa%003'", { status: vmStatusIds.Paused, pause_status: pauseStatusIds.ENOSPC }],
];

it.each(expected)('%s where %s', async (table, where, columns) => {
  expect(await row(table, where)).toMatchObject(columns);
});
