import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Simulation, startSimulation } from '../../../src/simulator/index.js';
import { ChildService, ensureBuilt } from '../service/child-service.js';
import { withDatabase } from '../setup/database.js';
import { found } from './program.js';

const HOSTS = 3;
const VMS = 12;

const database = withDatabase();
let simulation: Simulation;
let service: ChildService;

beforeAll(async () => {
  ensureBuilt();
  simulation = await startSimulation({ hosts: HOSTS, vms: VMS, seed: 3, life: 'none', faults: 'none', sampleMs: 500 });
  service = new ChildService(`mode: observer\n${simulation.inventoryYaml()}`, {
    DATABASE_URL: database.url,
    VURTI_POLL_INTERVAL_SECONDS: '1',
    VURTI_POLL_DEADLINE_SECONDS: '0.8',
    VURTI_GRACE_SECONDS: '1',
    VURTI_GRACE_PER_VM_SECONDS: '0',
    VURTI_GRACE_SPM_SECONDS: '0',
  });
  await service.start();
});

afterAll(async () => {
  await service?.stop();
  await simulation?.stop();
});

/** Looks again until it is so; the test's own time limit ends it. */
async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const seen = await look().catch(() => undefined);
    if (seen !== undefined) return seen;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const metrics = async (): Promise<string> => (await fetch(`${service.url}/metrics`)).text();

it.runIf(found('promtool'))('promtool finds nothing to complain about in /metrics', async () => {
  const text = await until(async () => {
    const now = await metrics();
    return now.includes(`vurti_vms_by_freshness{freshness="live"} ${VMS}`) ? now : undefined;
  });
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  expect([status, stdout + stderr]).toEqual([0, '']);
});

describe.runIf(found('prometheus'))('a real Prometheus', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vurti-prometheus-'));
  let prometheus: ChildProcess;
  let url = '';

  beforeAll(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    cpSync(
      fileURLToPath(new URL('../../../deploy/prometheus/vurti.rules.yml', import.meta.url)),
      join(folder, 'vurti.rules.yml'),
    );
    const target = service.url.replace('http://', '');
    writeFileSync(
      join(folder, 'prometheus.yml'),
      `global: { scrape_interval: 500ms, scrape_timeout: 400ms, evaluation_interval: 500ms }
rule_files: [vurti.rules.yml]
scrape_configs: [{ job_name: vurti, static_configs: [{ targets: ["${target}"] }] }]
`,
    );
    prometheus = spawn(
      'prometheus',
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: 'ignore' },
    );
  });

  afterAll(async () => {
    const ended = new Promise((resolve) => prometheus.once('exit', resolve));
    if (prometheus.kill('SIGTERM')) await ended;
    rmSync(folder, { recursive: true, force: true });
  });

  /** The samples of an instant query as [labels, value]. */
  async function query(promql: string): Promise<[Record<string, string>, number][]> {
    const answer = (await (await fetch(`${url}/api/v1/query?query=${encodeURIComponent(promql)}`)).json()) as {
      data: { result: { metric: Record<string, string>; value: [number, string] }[] };
    };
    return answer.data.result.map(({ metric, value }) => [metric, Number(value[1])]);
  }

  it('sees the fleet as it is, and an alert when a host is lost, with the names to act on', async () => {
    const up = await until(async () => {
      const live = await query('sum(vurti_vms_by_freshness{freshness="live"})');
      return live[0]?.[1] === VMS ? query('sum(vurti_hosts{status="Up"})') : undefined;
    });
    expect(up.map(([, value]) => value)).toEqual([HOSTS]);
    expect((await query('count(vurti_vm_status)')).map(([, value]) => value)).toEqual([VMS]);
    expect((await query('ALERTS{alertstate="firing"}')).map(([labels]) => labels['alertname'])).toEqual([]);

    const lost = simulation.fleet.hosts()[1]?.name as string;
    simulation.fleet.host(lost).refuse();
    const [alert] = await until(async () => {
      const firing = await query('ALERTS{alertname="HostNonResponsive",alertstate="firing"}');
      return firing.length > 0 ? firing : undefined;
    });
    expect(alert?.[0]).toMatchObject({ name: lost, severity: 'critical' });
    const unknown = await until(async () => {
      const vms = await query('count((vurti_vm_status == 7) * on (vm) group_left (host) vurti_vm_info) by (host)');
      return vms.length > 0 ? vms : undefined;
    });
    expect(unknown.map(([labels]) => labels['host'])).toEqual([lost]);
    expect((await query('ALERTS{alertname="VmUnknown"}')).length).toBe(0);

    simulation.fleet.host(lost).recover();
    const over = await until(async () => {
      const [[, hosts] = [{}, 0]] = await query('sum(vurti_hosts{status="Up"})');
      const firing = await query('ALERTS{alertname="HostNonResponsive",alertstate="firing"}');
      return hosts === HOSTS && firing.length === 0 ? true : undefined;
    });
    expect(over).toBe(true);
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
