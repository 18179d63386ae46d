import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What an exporter of VMs says of one VM: as many series as it takes, most of them counters that move. */
const NAMES = [
  ...['vcpu_seconds_total', 'cpu_user_seconds_total', 'cpu_system_seconds_total', 'memory_bytes', 'memory_used_bytes'],
  ...['memory_buffered_bytes', 'memory_cached_bytes', 'memory_free_bytes', 'memory_unused_bytes', 'balloon_bytes'],
  ...['balloon_max_bytes', 'balloon_min_bytes', 'balloon_target_bytes', 'elapsed_seconds', 'status'],
  ...['net_rx_bytes_total', 'net_tx_bytes_total', 'net_rx_dropped_total', 'net_tx_dropped_total', 'net_speed'],
  ...['disk_read_bytes_total', 'disk_write_bytes_total', 'disk_read_ops_total', 'disk_write_ops_total', 'disk_bytes'],
  ...['disk_read_latency_seconds', 'disk_write_latency_seconds', 'disk_flush_latency_seconds', 'disk_allocated_bytes'],
  'guest_users',
];
export const SERIES = NAMES.length;
/** Made once, served in turn: serving costs next to nothing, and every scrape finds other values. */
const VARIANTS = 8;

/** /metrics/… of every host on one port: each target has its own path and, by its label, its own series. */
export async function startScrapedFleet(vmsPerHost: number): Promise<{ port: number; server: Server }> {
  const bodies = Array.from({ length: VARIANTS }, (_, turn) => Buffer.from(bodyOf(vmsPerHost, turn)));
  let scrapes = 0;
  const server = createServer({ keepAliveTimeout: 120_000 }, (_request, response) => {
    scrapes += 1;
    const body = bodies[scrapes % VARIANTS] as Buffer;
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4', 'content-length': body.length });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, server };
}

function bodyOf(vms: number, turn: number): string {
  const lines = NAMES.flatMap((name, at) => [
    `# TYPE vm_${name} ${name.endsWith('_total') ? 'counter' : 'gauge'}`,
    ...Array.from({ length: vms }, (_, vm) => {
      // About as many of them move as of the figures in an agent's answer.
      const value = at % 3 === 2 ? 4_194_304 + vm : 1_000_000 + vm * 1000 + turn * (at + 1) * 17;
      return `vm_${name}{vm_id="00000000-0000-4000-8000-${String(vm).padStart(12, '0')}",name="vm-${vm}"} ${value}`;
    }),
  ]);
  return `${lines.join('\n')}\n`;
}
