import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** e.g. "2.42.0+ds"; null: there is none on PATH. */
export function prometheusVersion(): string | null {
  try {
    const text = execFileSync('prometheus', ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    return /version (\S+?),?\s/.exec(text)?.[1] ?? 'of unknown version';
  } catch {
    return null;
  }
}

export interface Targets {
  readonly port: number;
  readonly hosts: number;
  readonly intervalSeconds: number;
}

/** Prometheus as it comes, with data in a temporary folder. */
export class PrometheusServer {
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #url: string;
  readonly #folder: string;

  static async start({ port, hosts, intervalSeconds }: Targets): Promise<PrometheusServer> {
    const folder = await mkdtemp(join(tmpdir(), 'vurti-bench-prometheus-'));
    const jobs = Array.from({ length: hosts }, (_, host) => ({
      targets: [`127.0.0.1:${port}`],
      labels: { __metrics_path__: `/metrics/${host}`, instance: `kvm-${host}` },
    }));
    const config = {
      global: { scrape_interval: `${intervalSeconds}s`, scrape_timeout: `${intervalSeconds}s` },
      scrape_configs: [{ job_name: 'vms', static_configs: jobs }],
    };
    // JSON is YAML.
    await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config));
    const own = await freePort();
    const child = spawn(
      'prometheus',
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${own}`,
        '--log.level=error',
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    if (child.pid === undefined) throw new Error('prometheus could not be started');
    const server = new PrometheusServer(child, child.pid, `http://127.0.0.1:${own}`, folder);
    for (let tries = 0; (await server.samples().catch(() => null)) === null; tries++) {
      if (tries > 300) throw new Error('prometheus does not answer');
      await wait(100);
    }
    return server;
  }

  private constructor(child: ChildProcess, pid: number, url: string, folder: string) {
    this.#process = child;
    this.pid = pid;
    this.#url = url;
    this.#folder = folder;
  }

  /** Samples stored so far. */
  async samples(): Promise<number> {
    const text = await (await fetch(`${this.#url}/metrics`)).text();
    const found = /^prometheus_tsdb_head_samples_appended_total(?:\{[^}]*\})? (\S+)$/m.exec(text)?.[1];
    if (found === undefined) throw new Error('prometheus does not say how many samples it stored');
    return Number(found);
  }

  async rssMiB(): Promise<number> {
    const status = await readFile(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null) {
      const ended = once(this.#process, 'exit');
      this.#process.kill('SIGTERM');
      await ended;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
