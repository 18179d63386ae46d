import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { LogFields, Telemetry } from '../../src/kernel/index.js';
import { silentTelemetry } from '../../src/kernel/index.js';
import { addToken, removeToken, TokenBook, tokensFile } from '../../src/server/front/index.js';
import { OwnMetrics } from '../../src/server/index.js';
import { type Setup, type SetupOptions, setup, token } from './setup.js';

const json = { 'content-type': 'application/json' };
const bearer = (text: string): { authorization: string } => ({ authorization: `Bearer ${text}` });

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'vurti-access-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

interface Guarded extends Setup {
  readonly file: string;
  readonly read: string;
  readonly admin: string;
}

/** A service with a read and an admin token; `remote`: others reach it. */
function guarded(remote: boolean, options: SetupOptions = {}): Guarded {
  const file = tokensFile(folder());
  const read = addToken(file, 'grafana', 'read', '2026-01-01T00:00:00.000Z');
  const admin = addToken(file, 'automation', 'admin', '2026-01-01T00:00:00.000Z');
  const made = setup({
    listen: { host: remote ? '10.0.0.5' : '127.0.0.1', port: 8680 },
    tokens: new TokenBook(file, () => undefined),
    metrics: { own: new OwnMetrics({ process: false }), series: { perVm: true, statusSeries: 'code' } },
    ...options,
  });
  return { ...made, file, read, admin };
}

const writes = (method: string): boolean => !['GET', 'HEAD', 'OPTIONS'].includes(method);
const pathOf = (url: string): string => url.replace(':kind', 'vm').replaceAll(/:\w+/g, 'kvm-01').replace('*', 'x');

interface Attempt {
  readonly what: string;
  readonly remote: boolean;
  readonly headers: (service: Guarded) => Record<string, string>;
  readonly payload?: string;
  /** Status and code that a route has to answer with; undefined = whatever it answers with when it is let in. */
  readonly expected: (route: { method: string; open: boolean }) => readonly [number, string] | undefined;
}

const forbidden = [403, 'FORBIDDEN'] as const;
const bodies = (method: string, answer: readonly [number, string]) => (writes(method) ? answer : undefined);

/** One row for each way to be refused; each is tried on every route that the server has. */
const attempts: Attempt[] = [
  {
    what: 'here, without a token',
    remote: false,
    headers: () => ({}),
    expected: ({ method }) => (writes(method) ? forbidden : undefined),
  },
  {
    what: 'from elsewhere, without a token',
    remote: true,
    headers: () => ({}),
    expected: ({ open }) => (open ? undefined : forbidden),
  },
  {
    what: 'from elsewhere, with a wrong token',
    remote: true,
    headers: () => bearer('vurti_wrong'),
    expected: ({ open }) => (open ? undefined : forbidden),
  },
  {
    what: 'from elsewhere, with the right token under another scheme',
    remote: true,
    headers: ({ admin }) => ({ authorization: `Basic ${admin}` }),
    expected: ({ open }) => (open ? undefined : forbidden),
  },
  {
    what: 'here, with a read token',
    remote: false,
    headers: ({ read }) => bearer(read),
    expected: ({ method }) => (writes(method) ? forbidden : undefined),
  },
  {
    what: 'from elsewhere, with a read token',
    remote: true,
    headers: ({ read }) => bearer(read),
    expected: ({ method }) => (writes(method) ? forbidden : undefined),
  },
  {
    what: 'from elsewhere, with an admin token',
    remote: true,
    headers: ({ admin }) => bearer(admin),
    expected: () => undefined,
  },
  {
    what: 'with a Host header of somebody else',
    remote: true,
    headers: ({ admin }) => ({ ...bearer(admin), host: 'evil.example.com' }),
    expected: () => [421, 'HOST_HEADER_REFUSED'],
  },
  {
    what: 'with a body that is too large',
    remote: true,
    headers: ({ admin }) => ({ ...bearer(admin), ...json }),
    payload: JSON.stringify({ name: 'x'.repeat(1024 * 1024) }),
    expected: ({ method }) => bodies(method, [413, 'BODY_TOO_LARGE']),
  },
  {
    what: 'with half a body',
    remote: true,
    headers: ({ admin }) => ({ ...bearer(admin), ...json }),
    payload: '{"name":',
    expected: ({ method }) => bodies(method, [400, 'BAD_REQUEST']),
  },
  {
    what: 'with a body that is a list',
    remote: true,
    headers: ({ admin }) => ({ ...bearer(admin), ...json }),
    payload: '[1]',
    expected: ({ method }) => bodies(method, [400, 'BAD_REQUEST']),
  },
  {
    what: 'with a form',
    remote: true,
    headers: ({ admin }) => ({ ...bearer(admin), 'content-type': 'application/x-www-form-urlencoded' }),
    payload: 'name=a',
    expected: ({ method }) => bodies(method, [415, 'UNSUPPORTED_MEDIA_TYPE']),
  },
];

describe('every route that the server has', () => {
  const metrics = { own: new OwnMetrics({ process: false }), series: { perVm: true, statusSeries: 'code' } } as const;
  const all = setup({ metrics }).server.routes;

  it('is known by the server itself, with those that are open by name', () => {
    expect(all.length).toBeGreaterThan(25);
    expect([...new Set(all.filter(({ open }) => open).map(({ url }) => url))]).toEqual(['/livez', '/readyz']);
    expect(all.filter(({ method, open }) => open && writes(method))).toEqual([]);
  });

  it.each(all)('$method $url', async ({ method, url, open }) => {
    const services = { here: guarded(false), elsewhere: guarded(true) };
    for (const { what, remote, headers, payload, expected } of attempts) {
      const service = remote ? services.elsewhere : services.here;
      const answer = await service.server.inject({
        method: method as 'GET',
        url: pathOf(url),
        headers: { host: remote ? '10.0.0.5:8680' : '127.0.0.1:8680', ...headers(service) },
        ...(payload === undefined ? {} : { payload }),
        // A stream does not end by itself.
        payloadAsStream: true,
      });
      const want = expected({ method, open });
      if (want === undefined) {
        // Let in: what it says then is the matter of other tests.
        expect([401, 403, 421, 429], what).not.toContain(answer.statusCode);
        expect(answer.statusCode, what).toBeLessThan(500);
        answer.stream().destroy();
        service.monitor.calls.length = 0;
        continue;
      }
      expect(answer.statusCode, what).toBe(want[0]);
      expect(service.monitor.calls, what).toEqual([]);
      expect(answer.headers, what).toMatchObject({
        'content-type': 'application/problem+json; charset=utf-8',
        'content-security-policy': expect.stringContaining("default-src 'none'"),
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
      });
      expect(answer.headers, what).not.toHaveProperty('access-control-allow-origin');
      if (method === 'HEAD') continue;
      const text = await answer.stream().toArray();
      expect(JSON.parse(Buffer.concat(text).toString()), what).toMatchObject({ code: want[1], status: want[0] });
    }
  });

  it('and none that there is not, without a token: nobody learns from elsewhere what there is', async () => {
    const { server } = guarded(true);
    for (const method of ['GET', 'POST', 'DELETE', 'PUT', 'PATCH', 'OPTIONS'] as const) {
      const answer = await server.inject({ method, url: '/nowhere', headers: { host: '10.0.0.5:8680' } });
      expect([answer.statusCode, answer.json().code]).toEqual(forbidden);
    }
  });
});

describe('tokens', () => {
  it('count from the next request on, and no longer than they are kept', async () => {
    const service = guarded(true);
    const ask = async (text: string): Promise<number> =>
      (await service.get('/api/v1/status', { host: '10.0.0.5:8680', ...bearer(text) })).statusCode;
    expect(await ask(service.read)).toBe(200);
    expect(await ask(token)).toBe(200);
    const later = addToken(service.file, 'later', 'read', '2026-01-02T00:00:00.000Z');
    expect(await ask(later)).toBe(200);
    removeToken(service.file, 'later');
    expect(await ask(later)).toBe(403);
    rmSync(service.file);
    expect([await ask(service.read), await ask(token)]).toEqual([403, 200]);
  });

  it('are refused with the same words, whatever is wrong with them', async () => {
    const service = guarded(true);
    removeToken(service.file, 'grafana');
    const almost = `${service.admin.slice(0, -1)}${service.admin.endsWith('A') ? 'B' : 'A'}`;
    const said = new Set<string>();
    for (const authorization of [
      `Bearer ${service.read}`,
      `Bearer ${almost}`,
      'Bearer x',
      'Bearer',
      'Basic eDp5',
      '',
    ]) {
      const answer = await service.get('/api/v1/status', { host: '10.0.0.5:8680', authorization });
      said.add(`${answer.statusCode} ${answer.body}`);
    }
    expect(said.size).toBe(1);
  });
});

describe('limits', () => {
  const rate = { perSecond: 10, burst: 50 };

  it('one address cannot take it all, and is told when to come again', async () => {
    const { server, time } = guarded(false, { rate });
    const ask = (remoteAddress: string) =>
      server.inject({ url: '/livez', headers: { host: '127.0.0.1:8680' }, remoteAddress });
    for (let i = 0; i < 50; i++) expect((await ask('10.1.1.1')).statusCode).toBe(200);
    const late = await ask('10.1.1.1');
    expect([late.statusCode, late.headers['retry-after'], late.json().code]).toEqual([429, '1', 'TOO_MANY_REQUESTS']);
    expect(late.json()).toMatchObject({ retryable: true, detail: expect.stringContaining('again in 1 s') });
    expect((await ask('10.1.1.2')).statusCode).toBe(200);
    await time.runFor(1000);
    for (let i = 0; i < 10; i++) expect((await ask('10.1.1.1')).statusCode).toBe(200);
    expect((await ask('10.1.1.1')).statusCode).toBe(429);
  });

  it('guesses end after twenty; who has a token is let in from the same address', async () => {
    const { server, read, time } = guarded(true, { rate: { perSecond: 1000, burst: 5000 } });
    const ask = async (text: string): Promise<number> => {
      const headers = { host: '10.0.0.5:8680', ...bearer(text) };
      return (await server.inject({ url: '/api/v1/status', headers, remoteAddress: '10.1.1.1' })).statusCode;
    };
    const answers: number[] = [];
    for (let i = 0; i < 25; i++) answers.push(await ask(`guess${i}`));
    expect(answers).toEqual([...Array<number>(20).fill(403), ...Array<number>(5).fill(429)]);
    expect(await ask(read)).toBe(200);
    await time.runFor(3100);
    expect([await ask('guess'), await ask('guess')]).toEqual([403, 429]);
  });
});

describe('the audit', () => {
  function audited(options: SetupOptions = {}) {
    const records: (readonly [string, string, LogFields])[] = [];
    const telemetry: Telemetry = {
      ...silentTelemetry,
      log: (level, message, fields = {}) => {
        if (fields['audit'] === true) records.push([level, message, fields]);
      },
    };
    return { ...guarded(false, { telemetry, ...options }), records };
  }

  it('says who wrote what, from where, and how it ended; and nothing of reads', async () => {
    const { send, get, records, admin, read } = audited();
    await get('/api/v1/status', bearer(admin));
    await send('POST', '/api/v1/hosts/kvm-01/poke', undefined, bearer(admin));
    await send('DELETE', '/api/v1/hosts/nobody?x=1');
    await send('POST', '/api/v1/hosts/kvm-01/poke', undefined, bearer(read));
    await send('POST', '/api/v1/hosts', '{"name":', { authorization: '' });
    const from = '127.0.0.1';
    expect(records).toEqual([
      [
        'info',
        'A write was done',
        { audit: true, by: 'automation', method: 'POST', path: '/api/v1/hosts/kvm-01/poke', from, status: 200 },
      ],
      [
        'warn',
        'A write was refused',
        {
          ...{ audit: true, by: 'local', method: 'DELETE', path: '/api/v1/hosts/nobody', from },
          ...{ status: 404, code: 'NOT_FOUND' },
        },
      ],
      [
        'warn',
        'A write was refused',
        {
          ...{ audit: true, by: 'grafana', method: 'POST', path: '/api/v1/hosts/kvm-01/poke', from },
          ...{ status: 403, code: 'FORBIDDEN' },
        },
      ],
      [
        'warn',
        'A write was refused',
        { audit: true, by: 'nobody', method: 'POST', path: '/api/v1/hosts', from, status: 403, code: 'FORBIDDEN' },
      ],
    ]);
  });

  it('is not filled by guesses', async () => {
    const { send, records } = audited({ rate: { perSecond: 1000, burst: 5000 } });
    for (let i = 0; i < 100; i++) await send('POST', '/api/v1/hosts', {}, bearer(`guess${i}`));
    expect(records).toHaveLength(20);
  });
});
