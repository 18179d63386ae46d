import { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import type { AgentTls } from '../../../src/model/index.js';
import { StompPeer } from '../../support/stomp-peer.js';
import { eventually, type Served, serve } from './support.js';

const secure = (options: Parameters<typeof serve>[0] = {}): Promise<Served> =>
  serve({ protocol: 'vdsm', tls: true, ...options });

interface Handshake {
  readonly protocol: string | null;
  readonly code: string;
}

/** Connects, sends CONNECT, and says what came of it. */
function handshake(served: Served, tls: Partial<AgentTls>, version?: 'TLSv1.2' | 'TLSv1.3'): Promise<Handshake> {
  const { address: host, port } = served.endpoint();
  const { ca, cert, key } = tls;
  const limits = version === undefined ? {} : { minVersion: version, maxVersion: version };
  const socket = connect({ host, port, ca, cert, key, ...limits, checkServerIdentity: () => undefined });
  let protocol: string | null = null;
  return new Promise((resolve) => {
    const end = (code: string): void => {
      resolve({ protocol, code });
      socket.destroy();
    };
    socket.on('secureConnect', () => {
      protocol = socket.getProtocol();
      socket.write('CONNECT\naccept-version:1.2\n\n\0');
    });
    socket.on('data', (bytes) => end(bytes.toString().split('\n')[0] ?? ''));
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    socket.on('close', () => end('closed'));
  });
}

it.each(['TLSv1.2', 'TLSv1.3'] as const)('speaks %s with whom its authority knows', async (version) => {
  await using served = await secure();
  const { tls } = served.endpoint();
  expect(await handshake(served, tls ?? {}, version)).toEqual({ protocol: version, code: 'CONNECTED' });
});

it('refuses a client without a certificate, and one of another authority', async () => {
  await using served = await secure();
  await using other = await secure();
  const { ca } = served.endpoint().tls ?? {};
  const { cert, key } = other.endpoint().tls ?? {};
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    expect((await handshake(served, { ca: ca ?? '' }, version)).code).not.toBe('CONNECTED');
    expect((await handshake(served, { ca: ca ?? '', cert: cert ?? '', key: key ?? '' }, version)).code).not.toBe(
      'CONNECTED',
    );
  }
  expect(served.server.wire('kvm-01')?.frames).toBe(0);
});

it('every agent has a certificate for its name and its address', async () => {
  await using served = await secure({ bind: { kind: 'ports', firstPort: 0 } });
  const { address: host, port, tls } = served.endpoint('kvm-02');
  const { ca, cert, key } = tls ?? {};
  const socket = connect({ host, port, ca, cert, key });
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  const shown = new X509Certificate(socket.getPeerCertificate().raw);
  socket.destroy();
  expect(shown.checkHost('kvm-02')).toBe('kvm-02');
  expect(shown.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(shown.verify(new X509Certificate(ca ?? '').publicKey)).toBe(true);
});

it('gives further clients certificates of their own', async () => {
  await using served = await secure();
  const engine = served.server.clientTls('engine');
  using peer = await StompPeer.connected(served.endpoint(), '0,0', engine);
  await peer.settled();
  expect(new X509Certificate(engine?.cert ?? '').subject).toContain('CN=engine');
  expect(engine?.key).not.toBe(served.endpoint().tls?.key);
});

describe('an expired certificate', () => {
  it('ends what there is, is what newcomers see, and goes with the next command', async () => {
    await using served = await secure();
    using peer = await StompPeer.connected(served.endpoint());
    served.fleet.host('kvm-01').expire();
    expect(await peer.closed()).not.toBe('open');
    const { tls } = served.endpoint();
    expect(await handshake(served, tls ?? {})).toEqual({ protocol: null, code: 'CERT_HAS_EXPIRED' });
    served.fleet.host('kvm-01').recover();
    expect(await handshake(served, tls ?? {})).toMatchObject({ code: 'CONNECTED' });
  });

  it('is shown from the start, when it had expired by then', async () => {
    await using served = await secure();
    await served.server.stop();
    served.fleet.host('kvm-01').expire();
    await served.server.start();
    expect((await handshake(served, served.endpoint().tls ?? {})).code).toBe('CERT_HAS_EXPIRED');
  });
});

it('a handshake that never ends leaves nothing when the server stops', async () => {
  const served = await secure();
  const { address: host, port } = served.endpoint();
  const { connect: connectPlain } = await import('node:net');
  const socket = connectPlain({ host, port });
  const closed = new Promise((resolve) => socket.on('close', resolve));
  socket.on('error', () => undefined);
  expect(await eventually(() => served.server.wire('kvm-01')?.accepted === 1)).toBe(true);
  await served.server.stop();
  await closed;
  expect([...served.time.waiting()]).toEqual([]);
});

it('plain HTTP agents speak no TLS', async () => {
  await expect(serve({ tls: true })).rejects.toThrow('no TLS');
});
