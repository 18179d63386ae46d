import { Agent, request as nodeRequest } from 'node:http';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import axios from 'axios';
import { LeanConnection } from '../src/fetcher/http/lean-connection.js';
import { HttpFetcher } from '../src/fetcher/index.js';
import { Rooms } from '../src/fetcher/rooms.js';
import { systemIds } from '../src/kernel/index.js';
import type { HostEndpoint } from '../src/model/index.js';
import { roleOf } from './support/child.js';
import { readFlags } from './support/flags.js';
import { serveFleet, startFleet } from './support/fleet.js';
import { median } from './support/numbers.js';
import { Report } from './support/report.js';

const self = fileURLToPath(import.meta.url);
if (roleOf() === 'fleet') serveFleet();
else await main();

async function main(): Promise<void> {
  const { flags, json } = readFlags({
    vms: { value: 50, doc: 'VMs of the host' },
    calls: { value: 300, doc: 'calls of each way per round' },
    rounds: { value: 9, doc: 'rounds; the median counts' },
    sampleMs: { value: 15_000, doc: 'ms between two samples of the agent' },
  });
  const report = new Report('http', flags);
  const fleet = startFleet(self);
  const { endpoints, body } = await fleet.ask({ hosts: 1, vms: flags.vms, sampleMs: flags.sampleMs });
  const [endpoint] = endpoints;
  if (endpoint === undefined) throw new Error('no host');
  const host: HostEndpoint = { ...endpoint, protocol: 'http', tls: null };
  const url = `http://${host.address}:${host.port}/jsonrpc`;
  const asked = JSON.stringify({ jsonrpc: '2.0', method: 'Host.getAllVmStats', params: {}, id: 'x' });
  const headers = { Accept: 'application/json', 'Content-Type': 'application/json' };
  const httpAgent = new Agent({ keepAlive: true });
  const patient = () => ({ signal: new AbortController().signal });
  const client = axios.create({ method: 'POST', headers, httpAgent, proxy: false, maxRedirects: 0 });
  const rooms = new Rooms();
  const own = new LeanConnection({ address: host.address, port: host.port, tls: null }, headers, rooms);
  const viaNode = new HttpFetcher({ ids: systemIds, ownSockets: false });
  const viaOwn = new HttpFetcher({ ids: systemIds });
  const bare = bareSocket(host, asked);
  const ways: Record<string, () => Promise<unknown>> = {
    'a bare socket, the body counted': bare.ask,
    'our sockets, a Buffer': async () => {
      const answer = await own.ask(asked, 1e8, patient().signal);
      if (!(answer instanceof Duplex)) rooms.giveBack(answer.body);
    },
    'node:http, a Buffer': () => nodeBuffer(host, asked, httpAgent),
    'axios over node:http, a Buffer': () =>
      client.request({ url, data: asked, responseType: 'arraybuffer', transformRequest: [], ...patient() }),
    'axios over node:http, JSON': () => client.request({ url, data: asked, ...patient() }),
    'getAllVmStats over node:http': () => viaNode.getAllVmStats(host, patient()),
    'getAllVmStats over our sockets': () => viaOwn.getAllVmStats(host, patient()),
    'getStats over node:http': () => viaNode.getStats(host, patient()),
    'getStats over our sockets': () => viaOwn.getStats(host, patient()),
  };
  const micros = new Map(Object.keys(ways).map((name) => [name, [] as number[]]));
  for (let round = -2; round < flags.rounds; round++) {
    for (const [name, way] of Object.entries(ways)) {
      globalThis.gc?.();
      const before = process.cpuUsage();
      for (let n = 0; n < flags.calls; n++) await way();
      const { user, system } = process.cpuUsage(before);
      if (round >= 0) micros.get(name)?.push((user + system) / flags.calls);
    }
  }
  const rows = [...micros].map(([name, values]) => ({
    'how it is asked': name,
    'µs per answer': median(values),
    'µs per VM': median(values) / flags.vms,
  }));
  report.table(`One answer of ${flags.vms} VMs, ${body.length} bytes; CPU of the asking process`, rows);
  report.end(json);
  bare.close();
  own.close();
  await viaNode.close();
  await viaOwn.close();
  httpAgent.destroy();
  await fleet.stop();
}

function bareSocket(host: HostEndpoint, asked: string): { ask: () => Promise<unknown>; close: () => void } {
  const buffer = Buffer.allocUnsafe(65_536);
  let left = -1;
  let done: () => void = () => undefined;
  const socket = connect({
    host: host.address,
    port: host.port,
    noDelay: true,
    onread: {
      buffer,
      callback: (count) => {
        if (left < 0) {
          const head = buffer.toString('latin1', 0, buffer.indexOf('\r\n\r\n'));
          left = head.length + 4 + Number(/content-length: (\d+)/i.exec(head)?.[1]);
        }
        left -= count;
        if (left === 0) {
          left = -1;
          done();
        }
        return true;
      },
    },
  });
  const head = `POST /jsonrpc HTTP/1.1\r\nHost: ${host.address}\r\nContent-Type: application/json\r\nContent-Length: ${asked.length}\r\n\r\n`;
  return {
    ask: () =>
      new Promise<void>((resolve) => {
        done = resolve;
        socket.write(head + asked, 'latin1');
      }),
    close: () => socket.destroy(),
  };
}

function nodeBuffer({ address, port }: HostEndpoint, asked: string, agent: Agent): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': asked.length };
    const request = nodeRequest(
      { host: address, port, path: '/jsonrpc', method: 'POST', agent, headers },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve(Buffer.concat(chunks)));
      },
    );
    request.on('error', reject);
    request.end(asked);
  });
}
