import { createServer } from 'node:net';
import tls, { type TlsOptions } from 'node:tls';
import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RealTime } from '../../../src/kernel/index.js';
import type { AgentTls } from '../../../src/model/index.js';
import { failureOf, patient } from '../support/calls.js';
import { Heard, host } from './support/client.js';
import { listen, newFetcher, onTheNetwork, pem } from './support/network.js';

const asServer = (name: string, ca: string): TlsOptions => ({
  ...{ key: pem(`${name}.key`), cert: pem(`${name}.pem`), ca: pem(ca) },
  requestCert: true,
  rejectUnauthorized: true,
});
const asClient = (name: string, ca: string): AgentTls => ({
  ...{ ca: pem(ca), cert: pem(`${name}.pem`), key: pem(`${name}.key`) },
  checkHostName: false,
});
const agent = asServer('agent', 'ca.pem');
const client = asClient('client', 'ca.pem');

const failure = async (server: TlsOptions | null, ours: AgentTls | null) => {
  const { agent: it, fetcher, host: at } = await onTheNetwork(server, ours);
  const error = await failureOf(fetcher.getStats(at, patient()));
  expect(it.requests).toEqual([]);
  return error;
};

describe('TLS to an agent', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('%s: both know each other by their CA', async (version) => {
    const all = await onTheNetwork({ ...agent, minVersion: version, maxVersion: version }, client);
    const heard = new Heard();
    const connected = new Promise<void>((resolve) => {
      heard.onConnected = resolve;
    });
    all.fetcher.listen(all.host, heard);
    await connected;
    for (let i = 0; i < 3; i++) await all.fetcher.getStats(all.host, patient());
    expect(all.agent.connections).toHaveLength(1);
    expect((all.agent.last.stream as tls.TLSSocket).getProtocol()).toBe(version);
    expect(heard.sessions).toEqual([
      {
        agentCertificateExpiresAt: Date.UTC(2120, 0, 1),
        clientCertificateExpiresAt: Date.UTC(2120, 0, 1),
      },
    ]);
  });

  it('a name is checked only if it is to be, and none is announced', async () => {
    expect(await failure(agent, { ...client, checkHostName: true })).toMatchObject({
      code: 'AGENT_TLS',
      message: expect.stringContaining('127.0.0.1'),
    });
    const named = await onTheNetwork(asServer('agent-by-address', 'ca.pem'), { ...client, checkHostName: true });
    await named.fetcher.getStats(named.host, patient());
    expect((named.agent.last.stream as tls.TLSSocket).servername).toBe(false);
  });

  it.each([
    ['signed by nobody we know', asServer('agent', 'ca.pem'), { ...client, ca: pem('other-ca.pem') }, /TLS/],
    ['expired', asServer('aged-agent', 'aged-ca.pem'), asClient('fresh-client', 'aged-ca.pem'), /expired/],
  ])('an agent’s certificate that is %s: nothing is said to it', async (_, server, ours, message) => {
    for (const checkHostName of [false, true]) {
      const error = await failure(server, { ...ours, checkHostName });
      expect([error.code, error.message]).toEqual(['AGENT_TLS', expect.stringMatching(message)]);
    }
  });

  it('our own certificate that has expired can still be looked at', async () => {
    const all = await onTheNetwork(
      { ...asServer('fresh-agent', 'aged-ca.pem'), rejectUnauthorized: false },
      asClient('aged-client', 'aged-ca.pem'),
    );
    const heard = new Heard();
    const connected = new Promise<void>((resolve) => {
      heard.onConnected = resolve;
    });
    all.fetcher.listen(all.host, heard);
    await connected;
    expect(heard.sessions[0]?.clientCertificateExpiresAt).toBe(Date.UTC(2021, 0, 1));
  });

  it.each([
    ['TLSv1.2', /it wants a certificate and none is configured \(alert 40\)/],
    ['TLSv1.3', /does not accept our certificate \(alert 116, certificate required\)/],
  ] as const)('%s: an agent that gets no certificate says so, with 1.3 after the handshake', async (version, text) => {
    const { ca, checkHostName } = client;
    // It only shakes hands: one that also speaks closes in a way that can overtake the alert.
    const server = tls.createServer({ ...agent, minVersion: version, maxVersion: version });
    server.on('tlsClientError', () => undefined);
    const port = await listen(server);
    const at = { ...host, port, tls: { ...(ca === undefined ? {} : { ca }), checkHostName } };
    const error = await failureOf(newFetcher(new RealTime()).getStats(at, patient()));
    expect([error.code, error.message]).toEqual(['AGENT_CERT_REFUSED', expect.stringMatching(text)]);
  });

  it.each([
    [42, 'bad certificate'],
    [45, 'certificate expired'],
    [48, 'unknown CA'],
  ])('alert %i is AGENT_CERT_REFUSED and says who issued what was refused', async (alert, text) => {
    const record = Buffer.from([0x15, 3, 3, 0, 2, 2, alert]);
    const port = await listen(createServer((socket) => socket.once('data', () => socket.end(record))));
    const error = await failureOf(newFetcher(new RealTime()).getStats({ ...host, port, tls: client }, patient()));
    expect([error.code, error.message]).toEqual([
      'AGENT_CERT_REFUSED',
      expect.stringMatching(new RegExp(`alert ${alert}, ${text}\\), which was issued by O=vurti tests, CN=lab CA`)),
    ]);
  });

  it('an agent that closes without a word after the handshake may not like our certificate: the hint says so', async () => {
    const error = await failure(agent, asClient('other-client', 'ca.pem'));
    expect(error.code).toBe('AGENT_UNREACHABLE');
    expect(error.hint).toMatch(/certificate/);
  });

  it('plain to TLS, TLS to plain, and a handshake that is cut', async () => {
    const toTls = await failure(agent, null);
    expect([toTls.code, toTls.hint]).toEqual(['AGENT_UNREACHABLE', expect.stringContaining('TLS')]);
    expect((await failure(null, client)).code).toMatch(/^AGENT_(TLS|UNREACHABLE)$/);
    const port = await listen(createServer((socket) => socket.once('data', () => socket.destroy())));
    const error = await failureOf(newFetcher(new RealTime()).getStats({ ...host, port, tls: client }, patient()));
    expect(error).toMatchObject({
      code: 'AGENT_UNREACHABLE',
      message: expect.stringContaining('closed the connection'),
    });
  });

  it('versions before 1.2 are not spoken, even where Node is told to', async () => {
    const { DEFAULT_MIN_VERSION, DEFAULT_CIPHERS } = tls;
    onTestFinished(() => void Object.assign(tls, { DEFAULT_MIN_VERSION, DEFAULT_CIPHERS }));
    Object.assign(tls, { DEFAULT_MIN_VERSION: 'TLSv1', DEFAULT_CIPHERS: 'ALL:@SECLEVEL=0' });
    expect((await failure({ ...agent, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }, { ...client })).code).toBe(
      'AGENT_TLS',
    );
  });

  it('a key that cannot be read is our own fault, and is not printed', async () => {
    const error = await failure(agent, {
      ...client,
      key: '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n',
    });
    expect(error.code).toBe('AGENT_TLS');
    expect(inspect(error, { depth: 9 })).not.toContain('c2VjcmV0');
  });

  it('new keys are used from the next call on', async () => {
    const all = await onTheNetwork(agent, client);
    await all.fetcher.getStats(all.host, patient());
    await all.fetcher.getStats({ ...all.host, tls: { ...client } }, patient());
    expect(all.agent.connections).toHaveLength(1);
    await failureOf(all.fetcher.getStats({ ...all.host, tls: asClient('other-client', 'ca.pem') }, patient()));
    await expect.poll(() => all.agent.open).toEqual([]);
  });
});

it('an answer of many MiB comes whole over TLS', async () => {
  const all = await onTheNetwork(agent, client);
  const vms = Array.from({ length: 4000 }, (_, i) => ({ vmId: `vm-${i}`, status: 'Up', note: 'x'.repeat(2000) }));
  all.agent.serve({ 'Host.getAllVmStats': vms });
  const report = await all.fetcher.getAllVmStats(all.host, patient());
  expect([...report.ids()]).toHaveLength(4000);
});
