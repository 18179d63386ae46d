import http from 'node:http';
import type { EventRecord } from '../../src/events/index.js';
import { RealTime, silentTelemetry } from '../../src/kernel/index.js';
import { createMonitor } from '../../src/monitor/index.js';
import { Front } from '../../src/server/front/index.js';
import { createServer } from '../../src/server/index.js';
import { PostgresStore } from '../../src/store/index.js';
import { Child, serve } from './child.js';
import type { BenchDatabase } from './database.js';

export type LogServiceQuestion =
  | { readonly ask: 'start'; readonly url: string; readonly schema: string }
  /** Commits so many records per second from now on. */
  | { readonly ask: 'load'; readonly rate: number }
  | { readonly ask: 'calm' }
  | { readonly ask: 'memory' };

interface Answers {
  readonly start: { readonly url: string };
  readonly load: object;
  readonly calm: { readonly committed: number };
  readonly memory: {
    readonly rssMiB: number;
    readonly cpuMicros: number;
    readonly committed: number;
    /** Bytes that wait in this process for the reader that is the furthest behind. */
    readonly waitingKiB: number;
  };
}

export class LogServiceProcess extends Child<LogServiceQuestion, object> {
  constructor(file: string) {
    super(file, 'log-service');
  }

  put<K extends LogServiceQuestion['ask']>(question: LogServiceQuestion & { readonly ask: K }): Promise<Answers[K]> {
    return this.ask(question) as Promise<Answers[K]>;
  }
}

const TICK_MS = 10;

/** A log and its HTTP server, without hosts: what is committed is the bench's own. */
export function serveLog(): void {
  const time = new RealTime();
  const responses = new Set<http.ServerResponse>();
  watchResponses(responses);
  let store: PostgresStore | undefined;
  let stop = async (): Promise<void> => undefined;
  let load: NodeJS.Timeout | undefined;
  let committed = 0;
  serve<LogServiceQuestion>(
    async (question) => {
      switch (question.ask) {
        case 'start': {
          store = await PostgresStore.open({
            ...{ connection: question.url, schema: question.schema, clock: time, scheduler: time },
          });
          store.committer.committed$.subscribe((records) => {
            committed += records.length;
          });
          const monitor = await createMonitor({ store, clock: time, scheduler: time });
          await monitor.start();
          const common = { phase: () => '', clock: time, scheduler: time, telemetry: silentTelemetry };
          const server = createServer({
            monitor: () => monitor,
            front: new Front({ listen: { host: '127.0.0.1', port: 0 }, maxConnections: 21_000, ...common }),
            token: 'x'.repeat(40),
            settings: () => [],
            maxEventStreams: 20_000,
            ...common,
          });
          stop = async () => {
            await server.close();
            await monitor.stop();
          };
          return { url: await server.listen() } satisfies Answers['start'];
        }
        case 'load': {
          let [n, owed] = [0, 0];
          let last = performance.now();
          load = setInterval(() => {
            const now = performance.now();
            owed += ((now - last) / 1000) * question.rate;
            last = now;
            for (; owed >= 1; owed--) store?.committer.commit({ rows: [], records: [event(n++, Date.now())] });
          }, TICK_MS);
          return {};
        }
        case 'calm':
          clearInterval(load);
          await store?.committer.flushed();
          return { committed } satisfies Answers['calm'];
        case 'memory': {
          const { user, system } = process.cpuUsage();
          return {
            rssMiB: process.memoryUsage.rss() / 2 ** 20,
            cpuMicros: user + system,
            committed,
            waitingKiB: Math.max(0, ...[...responses].map((response) => response.writableLength)) / 1024,
          } satisfies Answers['memory'];
        }
      }
    },
    () => stop(),
  );
}

function watchResponses(responses: Set<http.ServerResponse>): void {
  const { writeHead } = http.ServerResponse.prototype;
  http.ServerResponse.prototype.writeHead = function (this: http.ServerResponse, ...args: unknown[]) {
    responses.add(this);
    this.once('close', () => responses.delete(this));
    return (writeHead as (...given: unknown[]) => http.ServerResponse).apply(this, args);
  } as typeof writeHead;
}

function event(n: number, time: number): EventRecord {
  const vm = `vm-${n % 2000}`;
  return {
    ...{ kind: 'event', name: 'VM_PAUSED', severity: 'NORMAL', message: `${vm} has been paused`, params: { vm } },
    ...{ time, hostId: 'kvm-01', vmId: vm, clusterId: 'prod', correlation: null, customId: null, parent: null },
    ...{ id: `event-${n}`, cause: { rule: 'vm.here.paused', source: { by: 'timer', at: time } } },
  };
}

/** Numbers 1 … records in a schema of its own, written by the database itself: through the committer it takes minutes. */
export async function fillLog({ url, ask }: BenchDatabase, schema: string, records: number): Promise<void> {
  const time = new RealTime();
  const store = await PostgresStore.open({ connection: url, schema, clock: time, scheduler: time });
  await store.close();
  const { kind, name, severity, time: at, hostId, vmId, clusterId, correlation, ...payload } = event(1, Date.now());
  await ask(`
    INSERT INTO ${schema}.log_record
      (seq, epoch, kind, name, severity, time, host_id, vm_id, cluster_id, correlation, payload)
    SELECT n, 1, 1, '${name}', 0, to_timestamp(${at} / 1000.0) - (${records} - n) * interval '1 ms',
      '${hostId}', 'vm-' || n % 2000, '${clusterId}', null,
      jsonb_set('${JSON.stringify({ name, severity, ...payload })}', '{id}', to_jsonb('event-' || n))
    FROM generate_series(1, ${records}) AS n`);
  await ask(`UPDATE ${schema}.shard SET head = ${records}`);
  await ask(`ANALYZE ${schema}.log_record`);
}
