import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RealTime, silentTelemetry } from '../../../src/kernel/index.js';
import { EmbeddedPostgres } from '../../../src/store/embedded/index.js';
import { ChildService, ensureBuilt } from './child-service.js';

const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'vurti-late-'));
const time = new RealTime();
const services: ChildService[] = [];
let postgres: EmbeddedPostgres | undefined;

const startPostgres = async (): Promise<EmbeddedPostgres> => {
  await postgres?.stop();
  postgres = await EmbeddedPostgres.start({
    ...{ dataDir: folder, clock: time, scheduler: time, telemetry: silentTelemetry },
  });
  return postgres;
};

function service(environment: Record<string, string>): ChildService {
  const made = new ChildService('mode: observer\n', environment);
  services.push(made);
  return made;
}

beforeAll(() => {
  ensureBuilt();
  chmodSync(folder, 0o711); // For root, whose PostgreSQL runs as another user.
});

afterAll(async () => {
  for (const one of services) await one.stop();
  await postgres?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function vurti(...args: string[]): Promise<{ readonly code: number | null; readonly said: string }> {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return { code: await new Promise((resolve) => child.once('exit', resolve)), said };
}

it('answers at once without its database, says since when and why, and serves when PostgreSQL comes up', async () => {
  const { url } = await startPostgres();
  await postgres?.stop();
  const late = service({ DATABASE_URL: url });
  mkdirSync(join(late.dataDir, 'journal'));
  writeFileSync(join(late.dataDir, 'journal', 'journal-000001.log'), Buffer.alloc(3000));
  await late.start();
  const ready = (): Promise<Response> => fetch(`${late.url}/readyz`);
  expect((await fetch(`${late.url}/livez`)).status).toBe(200);
  await expect
    .poll(async () => (await (await ready()).json()) as object, { timeout: 20_000 })
    .toMatchObject({
      ...{ status: 503, code: 'NOT_READY', retryable: true },
      detail: expect.stringMatching(
        /the database does not answer since \d{4}-.*Z \(\d+ attempts?; it goes on by itself\)\. PostgreSQL: .*3 KiB of changes wait/,
      ),
    });
  expect((await ready()).headers.get('x-vurti-status')).toBe('loading');
  expect((await fetch(`${late.url}/api/v1/vms`)).status).toBe(503);
  expect(await vurti('status', '--url', late.url)).toMatchObject({
    code: 3,
    said: expect.stringContaining('the database does not answer since'),
  });
  await startPostgres();
  expect(await vurti('wait', 'serving', '--url', late.url, '--timeout', '60')).toMatchObject({ code: 0 });
  expect(await late.get('/api/v1/status')).toMatchObject({ readiness: 'synced', database: { failingSince: null } });
});

it('is stopped while it waits', async () => {
  const { url } = await startPostgres();
  await postgres?.stop();
  const waiting = service({ DATABASE_URL: url });
  await waiting.start();
  await expect.poll(() => waiting.said, { timeout: 20_000 }).toContain('the start waits for it');
  const { ended } = waiting;
  await waiting.terminate();
  expect(await ended).toBe(0);
});

it.each([
  [
    'what the server refuses is refused at once',
    (url: string) => ({ DATABASE_URL: url.replace(/\/vurti(?=\?|$)/, '/nowhere') }),
  ],
  ['a wait of 0 s is none', () => ({ DATABASE_URL: 'postgres://127.0.0.1:1/vurti', VURTI_DATABASE_WAIT_SECONDS: '0' })],
])('%s', async (_, environment) => {
  const { url } = await startPostgres();
  const refused = service(environment(url));
  await refused.start();
  expect(await refused.ended).toBe(3);
  expect(refused.said).not.toContain('the start waits for it');
});
