import { readFileSync } from 'node:fs';
import type { ServerOptions } from 'node:https';
import tls from 'node:tls';
import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AgentTls } from '../../src/model/index.js';
import { failureOf, newFetcher, oneLine, patient } from './support/calls.js';
import { json, listen, startGateway, startRaw } from './support/gateway.js';

const pem = (name: string): string => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url), 'utf8');
const ca = pem('ca.pem');
const agent: ServerOptions = {
  key: pem('agent.key'),
  cert: pem('agent.pem'),
  ca,
  requestCert: true,
  rejectUnauthorized: true,
};
const agentByAddress: ServerOptions = { ...agent, key: pem('agent-by-address.key'), cert: pem('agent-by-address.pem') };
const client: AgentTls = { ca, cert: pem('client.pem'), key: pem('client.key'), checkHostName: false };
const { cert: _cert, key: _key, ...withoutCertificate } = client;
const stranger = { ...client, cert: pem('other-client.pem'), key: pem('other-client.key') };

const start = (server: ServerOptions, ours: AgentTls) =>
  startGateway(({ id }, response) => json(response, { id, result: {} }), { server, client: ours });

describe('TLS with a client certificate', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    '%s: both sides know each other by their CA; the connection is kept',
    async (version) => {
      const { host, sockets } = await start({ ...agent, minVersion: version, maxVersion: version }, client);
      const fetcher = newFetcher();
      for (let i = 0; i < 3; i++) await fetcher.getStats(host, patient());
      expect(sockets).toHaveLength(1);
    },
  );

  it('an answer of some megabytes is whole, and so is the next one', async () => {
    const long = 'x'.repeat(3_000_000);
    const { host, sockets } = await startGateway(({ id }, response) => json(response, { id, result: { long } }), {
      server: agent,
      client,
    });
    const fetcher = newFetcher();
    for (let i = 0; i < 2; i++) {
      const result = await fetcher.call(host, 'Host.getStats', {}, patient());
      expect((result as { long: string }).long).toBe(long);
    }
    expect(sockets).toHaveLength(1);
  });

  it('the name in the certificate matters only if it is to be checked', async () => {
    const { host } = await start(agent, { ...client, checkHostName: true });
    const error = await failureOf(newFetcher().getStats(host, patient()));
    expect(error).toMatchObject({ code: 'AGENT_TLS', message: expect.stringContaining('127.0.0.1') });
    expect(error.message).toMatch(oneLine);
    const other = await start(agentByAddress, { ...client, checkHostName: true });
    await expect(newFetcher().getStats(other.host, patient())).resolves.toBeDefined();
  });

  it('an agent that our CA did not sign is never asked, checked name or not', async () => {
    for (const checkHostName of [false, true]) {
      const { host, asked } = await start(agentByAddress, { ...client, ca: pem('other-ca.pem'), checkHostName });
      expect(await failureOf(newFetcher().getStats(host, patient()))).toMatchObject({ code: 'AGENT_TLS' });
      expect(asked).toEqual([]);
    }
  });

  it.each([
    ['TLSv1.2', /it wants a certificate and none is configured \(alert 40\)/],
    ['TLSv1.3', /does not accept our certificate \(alert 116, certificate required\)/],
  ] as const)('%s: an agent that wants a certificate and gets none says so', async (version, text) => {
    // A server that only shakes hands: one that also speaks HTTP closes in a way that can overtake the alert.
    const server = tls.createServer({ ...agent, minVersion: version, maxVersion: version });
    server.on('tlsClientError', () => undefined);
    const { host } = await listen(server, withoutCertificate);
    const error = await failureOf(newFetcher().getStats(host, patient()));
    expect([error.code, error.message]).toEqual(['AGENT_CERT_REFUSED', expect.stringMatching(text)]);
    expect(error.message).toMatch(oneLine);
  });

  // Node's own servers close without an alert when a certificate does not please them; OpenSSL's send one.
  it.each([
    [42, 'AGENT_CERT_REFUSED', 'alert 42, bad certificate'],
    [43, 'AGENT_CERT_REFUSED', 'alert 43, unsupported certificate'],
    [44, 'AGENT_CERT_REFUSED', 'alert 44, certificate revoked'],
    [45, 'AGENT_CERT_REFUSED', 'alert 45, certificate expired'],
    [46, 'AGENT_CERT_REFUSED', 'alert 46, certificate unknown'],
    [48, 'AGENT_CERT_REFUSED', 'alert 48, unknown CA'],
    [49, 'AGENT_CERT_REFUSED', 'alert 49, access denied'],
    [40, 'AGENT_TLS', 'could not be reached by TLS'],
    [70, 'AGENT_TLS', 'could not be reached by TLS'],
  ])('alert %i is %s', async (alert, code, text) => {
    const record = Buffer.from([0x15, 3, 3, 0, 2, 2, alert]);
    const { host } = await startRaw((socket) => socket.once('data', () => socket.end(record)));
    const error = await failureOf(newFetcher().getStats({ ...host, tls: client }, patient()));
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(text)]);
  });

  it('an agent that closes the connection because of our certificate, without a word', async () => {
    const { host, asked } = await start(agent, stranger);
    expect((await failureOf(newFetcher().getStats(host, patient()))).code).toBe('AGENT_UNREACHABLE');
    expect(asked).toEqual([]);
  });

  it('versions before 1.2 are not spoken, even where Node is told to', async () => {
    const { DEFAULT_MIN_VERSION, DEFAULT_CIPHERS } = tls;
    onTestFinished(() => void Object.assign(tls, { DEFAULT_MIN_VERSION, DEFAULT_CIPHERS }));
    Object.assign(tls, { DEFAULT_MIN_VERSION: 'TLSv1', DEFAULT_CIPHERS: 'ALL:@SECLEVEL=0' });
    const { host } = await start({ ...agent, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }, client);
    expect((await failureOf(newFetcher().getStats(host, patient()))).code).toBe('AGENT_TLS');
  });

  it('an agent without TLS, or something else behind the port', async () => {
    const plain = await startGateway(({ id }, response) => json(response, { id, result: {} }));
    expect((await failureOf(newFetcher().getStats({ ...plain.host, tls: client }, patient()))).code).toBe('AGENT_TLS');
    const raw = await startRaw((socket) => socket.end('220 smtp.example.test ESMTP\r\n'));
    expect((await failureOf(newFetcher().getStats({ ...raw.host, tls: client }, patient()))).code).toBe('AGENT_TLS');
  });

  it('one that closes the connection in the handshake', async () => {
    const { host } = await startRaw((socket) => socket.once('data', () => socket.destroy()));
    const error = await failureOf(newFetcher().getStats({ ...host, tls: client }, patient()));
    expect(error).toMatchObject({
      code: 'AGENT_UNREACHABLE',
      message: expect.stringMatching(/closed the connection/),
    });
  });

  it('a key that cannot be read is our own fault, and is not printed', async () => {
    const { host } = await start(agent, {
      ...client,
      key: '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n',
    });
    const error = await failureOf(newFetcher().getStats(host, patient()));
    expect(error.code).toBe('AGENT_TLS');
    expect(inspect(error, { depth: 9 })).not.toContain('c2VjcmV0');
  });

  it('new keys are used from the next call on', async () => {
    const { host, sockets } = await start(agent, client);
    const fetcher = newFetcher();
    await fetcher.getStats(host, patient());
    await fetcher.getStats({ ...host, tls: { ...client } }, patient());
    expect(sockets).toHaveLength(1);
    const refused = await failureOf(fetcher.getStats({ ...host, tls: stranger }, patient()));
    expect(refused.code).toBe('AGENT_UNREACHABLE');
    expect(sockets).toHaveLength(2);
  });
});
