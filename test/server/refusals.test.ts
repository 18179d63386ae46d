import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { setup, token } from './setup.js';

const bearer = { authorization: `Bearer ${token}` };

describe('writes', () => {
  const table: ['POST' | 'DELETE', string, unknown, number, string][] = [
    [
      'POST',
      '/api/v1/hosts',
      { name: 'kvm-09', address: '10.0.0.9', cluster: 'lab', port: 54_321 },
      201,
      'put host {"name":"kvm-09","address":"10.0.0.9","port":54321,"cluster":"lab","source":"api"}',
    ],
    ['DELETE', '/api/v1/hosts/kvm-01', undefined, 200, 'remove id-kvm-01'],
    ['POST', '/api/v1/hosts/kvm-01/activate', undefined, 200, 'activate kvm-01'],
    ['POST', '/api/v1/hosts/kvm-01/confirm-rebooted', undefined, 200, 'confirmRebooted kvm-01'],
    ['POST', '/api/v1/hosts/kvm-01/maintenance', { reason: 'new disks' }, 200, 'maintenance kvm-01 new disks'],
    ['POST', '/api/v1/hosts/kvm-01/maintenance', undefined, 200, 'maintenance kvm-01'],
    ['POST', '/api/v1/hosts/id-kvm-02/poke', undefined, 200, 'poke id-kvm-02'],
    [
      'POST',
      '/api/v1/vms',
      { id: 'v1', name: 'web-09', ha: true, vcpus: 2 },
      200,
      'put vm {"id":"v1","name":"web-09","ha":true,"vcpus":2}',
    ],
  ];
  it.each(table)('%s %s %j', async (method, url, body, status, call) => {
    const { send, monitor } = setup();
    const answer = await send(method, url, body);
    expect(answer.statusCode).toBe(status);
    expect(answer.json()).toMatchObject({
      apiVersion: 'vurti/v1',
      item: expect.objectContaining({ name: expect.any(String) }),
    });
    expect(monitor.calls).toEqual([call]);
  });
});

describe('refusals are problem+json, tell what to do, and change nothing', () => {
  type Request = {
    method?: 'GET' | 'POST' | 'DELETE' | 'PUT' | 'OPTIONS';
    url: string;
    headers?: Record<string, string>;
    payload?: string;
  };
  const json = { 'content-type': 'application/json' };
  const table: [string, Request, number, string, RegExp][] = [
    ['no token', { method: 'POST', url: '/api/v1/hosts/kvm-01/poke' }, 403, 'FORBIDDEN', /needs the token/],
    [
      'another token',
      { method: 'POST', url: '/api/v1/hosts/kvm-01/poke', headers: { authorization: 'Bearer no' } },
      403,
      'FORBIDDEN',
      /another token/,
    ],
    [
      'the token without Bearer',
      { method: 'DELETE', url: '/api/v1/hosts/kvm-01', headers: { authorization: token } },
      403,
      'FORBIDDEN',
      /another token/,
    ],
    ['no token for what does not exist', { method: 'POST', url: '/nowhere' }, 403, 'FORBIDDEN', /token/],
    [
      'another Host',
      { url: '/api/v1/vms', headers: { host: 'evil.example.com' } },
      421,
      'HOST_HEADER_REFUSED',
      /evil\.example\.com/,
    ],
    [
      'the right name without the port',
      { url: '/livez', headers: { host: 'localhost' } },
      421,
      'HOST_HEADER_REFUSED',
      /localhost/,
    ],
    ['no Host', { url: '/livez', headers: { host: '' } }, 421, 'HOST_HEADER_REFUSED', /Host header/],
    ['an unknown path', { url: '/api/v2/vms' }, 404, 'NOT_FOUND', /\/api\/v2\/vms/],
    ['an unknown host', { url: '/api/v1/hosts/nobody' }, 404, 'NOT_FOUND', /nobody/],
    ['an ambiguous host', { url: '/api/v1/hosts/id-kvm' }, 409, 'AMBIGUOUS', /kvm-01, kvm-02/],
    ['an unknown host as a filter', { url: '/api/v1/vms?host=nobody' }, 404, 'NOT_FOUND', /nobody/],
    ['an unknown cluster', { url: '/api/v1/vms?cluster=moon' }, 404, 'NOT_FOUND', /moon/],
    ['a mistyped status', { url: '/api/v1/vms?status=Pausd' }, 400, 'BAD_REQUEST', /did you mean Paused\?/],
    [
      'a mistyped parameter',
      { url: '/api/v1/vms?statu=Up' },
      400,
      'BAD_REQUEST',
      /"statu" is not known here; did you mean status\?/,
    ],
    ['a limit out of range', { url: '/api/v1/events?limit=1001' }, 400, 'BAD_REQUEST', /from 1 to 1000/],
    ['too long a wait', { url: '/api/v1/events?wait=31' }, 400, 'BAD_REQUEST', /from 0 to 30/],
    ['no number', { url: '/api/v1/events?limit=ten' }, 400, 'BAD_REQUEST', /whole number/],
    ['no time', { url: '/api/v1/events?since=yesterday' }, 400, 'BAD_REQUEST', /must be a time/],
    ['a wait backwards', { url: '/api/v1/events?reverse&wait=5' }, 400, 'BAD_REQUEST', /backwards/],
    ['an unknown event type', { url: '/api/v1/events?type=VM_DOWM' }, 400, 'BAD_REQUEST', /did you mean VM_DOWN\?/],
    ['an unknown kind', { url: '/api/v1/explain/cluster/x' }, 400, 'BAD_REQUEST', /path\.kind/],
    ['a wrong method', { method: 'PUT', url: '/api/v1/status', headers: bearer }, 405, 'BAD_REQUEST', /only .*GET/],
    ['a wrong method with a reference', { url: '/api/v1/hosts/kvm-01/poke' }, 405, 'BAD_REQUEST', /only POST/],
    [
      'a preflight: there is no CORS',
      {
        method: 'OPTIONS',
        url: '/api/v1/vms',
        headers: { origin: 'http://x', 'access-control-request-method': 'GET' },
      },
      405,
      'BAD_REQUEST',
      /only/,
    ],
    [
      'broken JSON',
      { method: 'POST', url: '/api/v1/hosts', headers: { ...bearer, ...json }, payload: '{"name":' },
      400,
      'BAD_REQUEST',
      /JSON/,
    ],
    [
      'a poisoned prototype',
      {
        method: 'POST',
        url: '/api/v1/hosts',
        headers: { ...bearer, ...json },
        payload: '{"__proto__":{"a":1},"name":"a","address":"b"}',
      },
      400,
      'BAD_REQUEST',
      /.+/,
    ],
    ['no body', { method: 'POST', url: '/api/v1/hosts', headers: bearer }, 400, 'BAD_REQUEST', /body: /],
    [
      'a form',
      {
        method: 'POST',
        url: '/api/v1/hosts',
        headers: { ...bearer, 'content-type': 'text/plain' },
        payload: '{"name":"a","address":"b"}',
      },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      /.+/,
    ],
    [
      'a body that is too large',
      {
        method: 'POST',
        url: '/api/v1/hosts',
        headers: { ...bearer, ...json },
        payload: JSON.stringify({ name: 'x'.repeat(1024 * 1024) }),
      },
      413,
      'BODY_TOO_LARGE',
      /.+/,
    ],
    [
      'a host with control characters',
      {
        method: 'POST',
        url: '/api/v1/hosts',
        headers: { ...bearer, ...json },
        payload: '{"name":"a\\u001b[2J","address":"b"}',
      },
      400,
      'BAD_REQUEST',
      /body\.name: must be text without control characters/,
    ],
    [
      'a protocol that nobody speaks',
      {
        method: 'POST',
        url: '/api/v1/hosts',
        headers: { ...bearer, ...json },
        payload: '{"name":"a","address":"b","protocol":"xmlrpc"}',
      },
      400,
      'BAD_REQUEST',
      /body\.protocol/,
    ],
    [
      'TLS keys over the wire',
      {
        method: 'POST',
        url: '/api/v1/hosts',
        headers: { ...bearer, ...json },
        payload: '{"name":"a","address":"b","tls":{"keyFile":"/etc/shadow"}}',
      },
      400,
      'BAD_REQUEST',
      /"tls" is not known here/,
    ],
    [
      'a host that exists',
      {
        method: 'POST',
        url: '/api/v1/hosts',
        headers: { ...bearer, ...json },
        payload: '{"name":"kvm-01","address":"b"}',
      },
      409,
      'ALREADY_EXISTS',
      /kvm-01/,
    ],
    ['an address that is no URL', { url: '/%E0%A4%A' }, 400, 'BAD_REQUEST', /.+/],
  ];
  it.each(table)('%s', async (_, request, status, code, detail) => {
    const { server, monitor } = setup();
    const { method = 'GET', url, headers = {}, payload } = request;
    const answer = await server.inject({
      method,
      url,
      headers: { host: 'localhost:8680', ...headers },
      ...(payload === undefined ? {} : { payload }),
    });
    const problem = answer.json();
    expect([answer.statusCode, problem.code]).toEqual([status, code]);
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(answer.headers['x-vurti-status']).toBe('ready');
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect(problem.detail).toMatch(detail);
    expect(problem).toMatchObject({
      type: `urn:vurti:error:${code}`,
      title: expect.any(String),
      status,
      retryable: false,
      hint: expect.any(String),
    });
    expect(answer.body).not.toMatch(/\.ts:|\.js:|node_modules/);
    expect(monitor.calls).toEqual([]);
  });

  it('answers on the names of a proxy that are configured', async () => {
    const { server } = setup({ allowedHosts: ['vurti.example.com'] });
    expect((await server.inject({ url: '/livez', headers: { host: 'Vurti.example.com' } })).statusCode).toBe(200);
  });

  it('keeps the insides of a bug inside, and logs them', async () => {
    const logged: unknown[] = [];
    const { get, monitor } = setup({
      telemetry: {
        log: (level, message, fields) => logged.push([level, message, fields]),
        count() {},
        gauge() {},
        observe() {},
      },
    });
    monitor.explain = () => {
      throw new TypeError('secret /etc/path');
    };
    const answer = await get('/api/v1/explain/vm/web-01');
    expect([answer.statusCode, answer.json().code]).toEqual([500, 'INTERNAL']);
    expect(answer.body).not.toContain('secret');
    expect(logged).toEqual([
      [
        'error',
        'A request failed',
        expect.objectContaining({ error: 'secret /etc/path', url: '/api/v1/explain/vm/web-01' }),
      ],
    ]);
  });

  it('never answers 5xx to anything a client may send', async () => {
    const { server } = setup();
    const path = fc.constantFrom(
      '/api/v1/hosts',
      '/api/v1/vms',
      '/api/v1/events',
      '/api/v1/hosts/kvm-01/maintenance',
      '/api/v1/explain/vm/x',
      '/readyz',
      '/api/v1/clusters',
    );
    const parameter = fc.tuple(
      fc.constantFrom('after', 'before', 'limit', 'severity', 'status', 'since', 'host', 'freshness', 'x'),
      fc.string(),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET' as const, 'POST' as const, 'DELETE' as const, 'PUT' as const, 'HEAD' as const),
        path,
        fc.webPath(),
        fc.array(parameter, { maxLength: 3 }),
        fc.option(fc.oneof(fc.json(), fc.string()), { nil: undefined }),
        async (method, base, rest, query, body) => {
          const search = new URLSearchParams(query).toString();
          const answer = await server.inject({
            method,
            url: `${base}${rest}${search === '' ? '' : `?${search}`}`,
            headers: {
              host: '127.0.0.1:8680',
              ...bearer,
              ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            },
            ...(body === undefined ? {} : { payload: body }),
          });
          expect(answer.statusCode).toBeLessThan(500);
          expect(answer.headers['x-vurti-status']).toBe('ready');
          if (answer.statusCode >= 400 && method !== 'HEAD')
            expect(answer.json()).toMatchObject({ code: expect.any(String), hint: expect.any(String) });
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('on a real socket', () => {
  async function raw(text: string, requestTimeoutMs?: number): Promise<string> {
    const { server } = setup({
      listen: { host: '127.0.0.1', port: 0 },
      ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }),
    });
    const url = new URL(await server.listen());
    const socket = connect(Number(url.port), url.hostname);
    try {
      let answer = '';
      socket.setEncoding('utf8');
      socket.on('data', (chunk: string) => {
        answer += chunk;
      });
      socket.write(text.replaceAll('PORT', url.port));
      await once(socket, 'close');
      return answer;
    } finally {
      socket.destroy();
      await server.close();
    }
  }

  it('listens, and knows its own name with the port it got', async () => {
    expect(await raw('GET /livez HTTP/1.1\r\nHost: localhost:PORT\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 200 OK.*\{"status":"alive"\}/s,
    );
  });

  it('gives up on a client that sends its request drop by drop', async () => {
    expect(await raw('GET /livez HTTP/1.1\r\nHost: loc', 50)).toMatch(/^HTTP\/1\.1 408 .*"code":"BAD_REQUEST"/s);
  });

  it('gives up on a body that never comes', async () => {
    const head = `POST /api/v1/hosts HTTP/1.1\r\nHost: localhost:PORT\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{`;
    expect(await raw(head, 50)).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('refuses what is not HTTP, and a header without an end', async () => {
    expect(await raw('\x16\x03\x01 hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*problem\+json.*This is not HTTP/s);
    expect(await raw(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('says so when the address is taken', async () => {
    const first = setup({ listen: { host: '127.0.0.1', port: 0 } });
    const { port } = new URL(await first.server.listen());
    const second = setup({ listen: { host: '127.0.0.1', port: Number(port) } });
    await expect(second.server.listen()).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
    await first.server.close();
    await second.server.close();
  });
});
