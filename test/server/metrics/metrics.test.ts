import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { silentTelemetry } from '../../../src/kernel/index.js';
import { vmStatusIds } from '../../../src/model/index.js';
import { metricsDocument, OwnMetrics } from '../../../src/server/index.js';
import { ownMetrics } from '../../../src/server/metrics/catalogue.js';
import { sample } from '../../../src/server/metrics/exposition.js';
import { host, T0, vm } from '../fake-monitor.js';
import { type Setup, setup } from '../setup.js';

type Series = Readonly<Partial<{ perVm: boolean; statusSeries: 'code' | 'enum' }>>;

function scraped({ perVm = true, statusSeries = 'code' }: Series = {}): Setup & { own: OwnMetrics } {
  const own = new OwnMetrics({ process: false });
  return { ...setup({ metrics: { own, series: { perVm, statusSeries } } }), own };
}

async function lines(set: Setup): Promise<string[]> {
  const answer = await set.get('/metrics');
  if (answer.statusCode !== 200) throw new Error(answer.body);
  expect(answer.statusCode).toBe(200);
  expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  return answer.body.split('\n');
}

/** Lets virtual time pass for whoever waits for a turn, until it is done. */
async function passing<T>(set: Setup, work: Promise<T>): Promise<T> {
  let over = false;
  const ended = work.finally(() => {
    over = true;
  });
  while (!over) {
    await set.time.runFor(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return ended;
}

describe('GET /metrics', () => {
  it('names hosts and VMs once, in an info series; the others bear the id alone', async () => {
    const set = scraped();
    set.monitor.hostList = [host('kvm-01', { status: 'NonResponsive', attempts: 4 })];
    set.monitor.vmList = [vm('web-03', { status: 'Unknown', ha: null })];
    expect(await lines(set)).toEqual(
      expect.arrayContaining([
        'vurti_host_info{host="id-kvm-01",name="kvm-01",cluster="prod",address="kvm-01.example.com",version="4.5"} 1',
        'vurti_host_status{host="id-kvm-01"} 4',
        'vurti_host_failed_attempts{host="id-kvm-01"} 4',
        'vurti_host_memory_bytes{host="id-kvm-01"} 274877906944',
        'vurti_hosts{cluster="prod",status="NonResponsive"} 1',
        'vurti_vm_info{vm="vm-web-03",name="web-03",cluster="prod",host="kvm-01",ha=""} 1',
        'vurti_vm_status{vm="vm-web-03"} 7',
        'vurti_vms{cluster="prod",status="Unknown"} 1',
      ]),
    );
  });

  it('has no sample for what is not known', async () => {
    const set = scraped();
    set.monitor.hostList = [host('kvm-01', { cpuPercent: null, heardAt: null })];
    set.monitor.vmList = [vm('web-03', { cpuPercent: null, uptimeSeconds: null, pause: null })];
    const all = await lines(set);
    const named = (name: string): string[] => all.filter((line) => line.startsWith(name));
    expect(named('vurti_host_cpu_usage_ratio')).toEqual([]);
    expect(named('vurti_host_last_answer_timestamp_seconds')).toEqual([]);
    expect(named('vurti_vm_cpu_usage_ratio')).toEqual([]);
    expect(named('vurti_vm_pause_info')).toEqual([]);
    expect(named('vurti_host_memory_usage_ratio')).toEqual(['vurti_host_memory_usage_ratio{host="id-kvm-01"} 0.34']);
  });

  it('says why a paused VM is paused, and whether that is an error', async () => {
    const set = scraped();
    set.monitor.vmList = [
      vm('db-12', { status: 'Paused', pause: 'ENOSPC' }),
      vm('db-13', { status: 'Paused', pause: 'NONE' }),
    ];
    const pauses = (await lines(set)).filter((line) => line.startsWith('vurti_vm_pause_info'));
    expect(pauses).toEqual([
      'vurti_vm_pause_info{vm="vm-db-12",code="ENOSPC",error="true"} 1',
      'vurti_vm_pause_info{vm="vm-db-13",code="NONE",error="false"} 1',
    ]);
  });

  it('leaves single VMs out when it is told to; the counts stay', async () => {
    const set = scraped({ perVm: false });
    set.monitor.vmList = [vm('web-03'), vm('web-04', { cluster: null, freshness: 'stale' })];
    const all = await lines(set);
    expect(all.filter((line) => line.includes('vm="'))).toEqual([]);
    expect(all).toEqual(
      expect.arrayContaining([
        'vurti_vms{cluster="prod",status="Up"} 1',
        'vurti_vms{cluster="",status="Up"} 1',
        'vurti_vms_by_freshness{freshness="live"} 1',
        'vurti_vms_by_freshness{freshness="stale"} 1',
      ]),
    );
  });

  it('gives one series for each status on request, one of them 1', async () => {
    const set = scraped({ statusSeries: 'enum' });
    set.monitor.vmList = [vm('web-03', { status: 'Paused' })];
    const statuses = (await lines(set)).filter((line) => line.startsWith('vurti_vm_status{'));
    expect(statuses).toHaveLength(Object.keys(vmStatusIds).length);
    expect(statuses.filter((line) => line.endsWith(' 1'))).toEqual([
      'vurti_vm_status{vm="vm-web-03",status="Paused"} 1',
    ]);
  });

  it('has each family in one piece, with its help and type, and no series twice, however many entities there are', async () => {
    const set = scraped();
    set.monitor.hostList = Array.from({ length: 450 }, (_, i) => host(`kvm-${i}`));
    set.monitor.vmList = Array.from({ length: 950 }, (_, i) => vm(`vm-${i}`));
    const all = (await passing(set, set.get('/metrics'))).body.split('\n').filter((line) => line !== '');
    const samples = all.filter((line) => !line.startsWith('#'));
    expect(new Set(samples.map((line) => line.slice(0, line.lastIndexOf(' ')))).size).toBe(samples.length);
    const families = all.filter((line) => line.startsWith('# TYPE ')).map((line) => line.split(' ')[2] as string);
    expect(new Set(families).size).toBe(families.length);
    let family = '';
    for (const line of all) {
      if (line.startsWith('# TYPE ')) family = line.split(' ')[2] as string;
      else if (!line.startsWith('#')) expect(line.startsWith(family)).toBe(true);
    }
    expect(samples.filter((line) => line.startsWith('vurti_vm_status{'))).toHaveLength(950);
  });

  it('tells how far the pushes of a host are believed, and until when its certificate holds', async () => {
    const set = scraped();
    set.monitor.hostList = [host('kvm-01'), host('kvm-02')];
    set.monitor.agents = {
      'id-kvm-01': {
        pushes: { state: 'whole', trusted: false, multiple: 1, pace: 1, gaps: 3, lastGapAt: T0 },
        certificateExpiresAt: T0 + 86_400_000,
      },
    };
    set.monitor.figuresNow = { certificateExpiresAt: T0, callsWaiting: 4, evidenceWaiting: 5 };
    const all = await lines(set);
    expect(all).toEqual(
      expect.arrayContaining([
        'vurti_host_push_connected{host="id-kvm-01"} 1',
        'vurti_host_push_trusted{host="id-kvm-01"} 0',
        'vurti_host_poll_interval_multiple{host="id-kvm-01"} 1',
        '# TYPE vurti_host_push_gaps_total counter',
        'vurti_host_push_gaps_total{host="id-kvm-01"} 3',
        `vurti_host_certificate_expiry_timestamp_seconds{host="id-kvm-01"} ${T0 / 1000 + 86_400}`,
        `vurti_client_certificate_expiry_timestamp_seconds ${T0 / 1000}`,
        'vurti_calls_waiting 4',
        'vurti_evidence_waiting 5',
        'vurti_hosts_by_freshness{freshness="live"} 2',
      ]),
    );
    // One that does not push has nothing to say about it.
    expect(all.filter((line) => line.includes('id-kvm-02') && /push|certificate/.test(line))).toEqual([]);
  });

  it('looks at no more than a hundred entities in one turn, and once for all who ask together', async () => {
    const set = scraped();
    let inTurn = 0;
    let most = 0;
    let looked = 0;
    const watched = function* <V>(list: readonly V[]): Generator<V> {
      for (const one of list) {
        looked += 1;
        inTurn += 1;
        most = Math.max(most, inTurn);
        yield one;
      }
    };
    const hosts = Array.from({ length: 250 }, (_, i) => host(`kvm-${i}`));
    const vms = Array.from({ length: 1_050 }, (_, i) => vm(`vm-${i}`));
    set.monitor.hosts.each = () => watched(hosts);
    set.monitor.vms.each = () => watched(vms);
    const nextTurn = set.time.yield.bind(set.time);
    set.time.yield = async () => {
      inTurn = 0;
      await nextTurn();
    };
    const together = Promise.all([set.get('/metrics'), set.get('/metrics', { 'accept-encoding': 'gzip' })]);
    const [plain, gzipped] = await passing(set, together);
    // The rest of the hosts, below a hundred, and the first VMs share a turn.
    expect(most).toBeLessThan(200);
    expect(looked).toBe(250 + 1_050);
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(gzipped.headers['content-encoding']).toBe('gzip');
    expect(gzipped.headers.vary).toBe('accept-encoding');
    expect(gunzipSync(gzipped.rawPayload).toString()).toBe(plain.body);
    expect(gzipped.rawPayload.length).toBeLessThan(plain.body.length / 8);
  });

  it.each([
    ['gzip', true],
    ['gzip;q=1.0,deflate;q=0.6,identity;q=0.3', true],
    ['br, GZIP', true],
    ['gzip;q=0', false],
    ['gzip; q=0.000, identity', false],
    ['identity', false],
  ])('takes "%s" by its word', async (accepted, compressed) => {
    const { headers } = await scraped().get('/metrics', { 'accept-encoding': accepted });
    expect(headers['content-encoding']).toBe(compressed ? 'gzip' : undefined);
  });

  it('gives what it made a second ago at most', async () => {
    const set = scraped();
    const count = async (): Promise<string | undefined> =>
      (await lines(set)).find((line) => line.startsWith('vurti_hosts{cluster="lab"'));
    expect(await count()).toBe('vurti_hosts{cluster="lab",status="Up"} 1');
    set.monitor.hostList = [host('kvm-01', { cluster: 'lab' }), host('kvm-02', { cluster: 'lab' })];
    await set.time.runFor(1000);
    expect(await count()).toBe('vurti_hosts{cluster="lab",status="Up"} 2');
  });

  it('answers the next one when a scrape has failed', async () => {
    const set = scraped();
    const { figures } = set.monitor;
    set.monitor.figures = () => {
      throw new Error('boom');
    };
    expect((await set.get('/metrics')).statusCode).toBe(500);
    set.monitor.figures = figures;
    expect((await set.get('/metrics')).statusCode).toBe(200);
  });

  it('gives the figures of the process before there is a state', async () => {
    const own = new OwnMetrics({ process: false });
    own.count('vurti_store_flush_failures_total');
    const set = setup({ monitor: () => undefined, metrics: { own, series: { perVm: true, statusSeries: 'code' } } });
    const all = await lines(set);
    expect(all).toContain('vurti_store_flush_failures_total 1');
    expect(all.some((line) => line.startsWith('vurti_vms'))).toBe(false);
  });

  it('says when the database began to fail', async () => {
    const set = scraped();
    set.monitor.statusNow = {
      condition: 'degraded',
      database: { ...set.monitor.status().database, failingSince: T0, waitingRecords: 7 },
    };
    expect(await lines(set)).toEqual(
      expect.arrayContaining([
        'vurti_degraded 1',
        `vurti_store_failing_since_timestamp_seconds ${T0 / 1000}`,
        'vurti_store_waiting_records 7',
      ]),
    );
  });

  it('takes no parameters', async () => {
    expect((await scraped().get('/metrics?x=1')).statusCode).toBe(400);
  });
});

describe('labels', () => {
  it('are escaped: a name cannot end its line or its series', () => {
    expect(sample('m', { a: 'x"} 1\nm{b="\\' }, 1)).toBe('m{a="x\\"} 1\\nm{b=\\"\\\\"} 1\n');
  });
});

describe('the service about itself', () => {
  it('counts what the telemetry is told, and still logs', async () => {
    const logged: string[] = [];
    const own = new OwnMetrics({ process: false });
    const telemetry = own.beside({ ...silentTelemetry, log: (_, message) => logged.push(message) });
    telemetry.count('vurti_polls_total', 2, { failed: 'false' });
    telemetry.gauge('vurti_stale_hosts', 3);
    telemetry.observe('vurti_store_flush_seconds', 0.004);
    telemetry.log('info', 'hello');
    const text = await own.text();
    expect(text).toContain('vurti_polls_total{failed="false"} 2');
    expect(text).toContain('vurti_stale_hosts 3');
    expect(text).toContain('vurti_store_flush_seconds_bucket{le="0.005"} 1');
    expect(text).toContain('vurti_store_flush_seconds_bucket{le="0.002"} 0');
    expect(logged).toEqual(['hello']);
  });

  it('knows every metric that the sources name, with its labels, and no other', () => {
    const said = new Map<string, string>();
    for (const file of readdirSync('src', { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || file.startsWith('server/metrics') || file.startsWith('server\\metrics')) continue;
      const text = readFileSync(`src/${file}`, 'utf8');
      for (const [, name] of text.matchAll(
        /'(vurti_[a-z_]+(?:_total|_seconds|_hosts|_aside|_ratio|_bytes|_flushes|_records|_streams|_sources))'/g,
      ))
        said.set(name as string, file);
    }
    expect([...said.keys()].sort()).toEqual(Object.keys(ownMetrics).sort());
  });
});

it('every family that is scraped stands in the reference, once', async () => {
  const set = scraped();
  set.monitor.vmList = [vm('db-12', { status: 'Paused', pause: 'EIO' })];
  const families = (await lines(set)).filter((line) => line.startsWith('# TYPE ')).map((line) => line.split(' ')[2]);
  const document = metricsDocument('');
  expect(families.length).toBeGreaterThan(40);
  for (const family of families) expect(document.split(`| \`${family}\` |`)).toHaveLength(2);
});
