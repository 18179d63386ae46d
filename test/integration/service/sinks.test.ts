import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { ensureBuilt, Vurti } from '../cli/vurti.js';
import { createDatabase } from '../setup/database.js';

beforeAll(ensureBuilt);

interface Got {
  readonly key: string;
  readonly cursor: string;
  readonly name: string;
  readonly signed: boolean;
}

const secret = 'canary-secret-of-the-webhook';

it('a webhook gets every event in order, over failures of its receiver and restarts of the service, and no secret is told', async () => {
  const got: Got[] = [];
  let up = true;
  let refused = 0;
  let heard: (() => void) | undefined;
  const receiver = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      if (!up) refused += 1;
      else {
        const { cursor, item } = JSON.parse(body) as { cursor: string; item: { eventId: string; name: string } };
        const of = `${String(request.headers['vurti-timestamp'])}.${body}`;
        const expected = `v1=${createHmac('sha256', secret).update(of).digest('hex')}`;
        const key = String(request.headers['idempotency-key']);
        got.push({ key, cursor, name: item.name, signed: request.headers['vurti-signature'] === expected });
      }
      response.writeHead(up ? 204 : 503).end();
      heard?.();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    receiver.closeAllConnections();
    receiver.close();
  });
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
    }
  };

  const database = await createDatabase();
  onTestFinished(() => database.drop());
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/canary-path`;
  const v = new Vurti({
    DATABASE_URL: database.url,
    HOOK_URL: url,
    VURTI_GRACE_SECONDS: '1',
    VURTI_GRACE_ATTEMPTS: '1',
  });
  onTestFinished(() => v.end());
  const write = (name: string, text: string): void => writeFileSync(join(v.dir, name), text);
  const settings = (...hosts: string[]): string =>
    `sinks: [{ name: chat, type: webhook, url: "\${HOOK_URL}", secretFile: hook.key, severity: warning }]\n` +
    `inventory: { hosts: [${hosts.map((name) => `{ name: ${name}, address: 127.0.0.1, port: 1, protocol: http }`).join(', ')}] }\n`;
  write('hook.key', `${secret}\n`);
  write('vurti.yaml', settings('kvm-01'));

  const first = v.start('serve');
  await v.run('wait', 'serving', '--timeout', '60');
  await until(() => got.some(({ name }) => name === 'VDS_FAILURE'));
  up = false;
  write('vurti.yaml', settings('kvm-01', 'kvm-02'));
  expect((await v.run('reload')).out).toContain('1 host added: kvm-02');
  await until(() => refused >= 2);
  expect((await v.run('sinks')).out).toMatch(
    /^NAME .*\nchat +http:\/\/127\.0\.0\.1:\d+ +WARNING\+ +(retrying|sending) .* HTTP 503/,
  );
  first.signal('SIGTERM');
  const firstEnd = await first.ended;
  expect(firstEnd.code).toBe(0);

  const before = got.length;
  up = true;
  const second = v.start('serve');
  await v.run('wait', 'serving', '--timeout', '60');
  await until(() => got.slice(before).some(({ name }) => name === 'VDS_FAILURE'));
  const shown = [
    (await v.run('sinks', '-o', 'json')).out,
    (await v.run('config', 'show')).out,
    (await v.run('config', 'show', '--origin', '-o', 'json')).out,
    (await v.run('status', '-v')).out,
  ];
  // What was sent is what the log holds, each once, in its order.
  const events = (await v.run('tail', '-n', 'all', '-p', 'warning', '-o', 'ndjson')).out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { eventId: string; cursor: string });
  expect(got.map(({ key }) => key)).toEqual(events.slice(0, got.length).map(({ eventId }) => eventId));
  expect(got.every(({ signed }) => signed)).toBe(true);
  second.signal('SIGTERM');
  const secondEnd = await second.ended;
  for (const text of [...shown, firstEnd.err, secondEnd.err]) expect(text).not.toMatch(/canary/);
});
