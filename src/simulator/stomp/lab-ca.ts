import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { bits, integer, octets, oid, sequence, set, time, tlv, truth, utf8 } from './der.js';

const DAY = 86_400_000;
const ecdsaSha256 = sequence(oid('1.2.840.10045.4.3.2'));

export interface LabCertificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

interface Subject {
  readonly commonName: string;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
  readonly from: number;
  readonly until: number;
}

/**
 * An authority for one run of a laboratory: its own certificate, one for each agent, one for the monitor. Keys are
 * ECDSA on P-256; the authority's own one never leaves the process.
 */
export class LabCa {
  /** PEM. */
  readonly cert: string;
  readonly #now: number;
  readonly #issuer = name('vurti lab CA');
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  /** One key for all agents of a fleet: making 500 takes longer than the rest of its start. */
  readonly #agentKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  /** `now`: ms since the epoch, from which the days of validity count. */
  constructor(now: number) {
    this.#now = now;
    this.cert = this.#sign({
      commonName: 'vurti lab CA',
      publicKey: this.#keys.publicKey,
      extensions: [
        extension('2.5.29.19', sequence(truth()), 'critical'),
        // keyCertSign.
        extension('2.5.29.15', bits(Buffer.from([0x04]), 2), 'critical'),
        extension('2.5.29.14', octets(keyId(this.#keys.publicKey))),
      ],
      from: now - DAY,
      until: now + 365 * DAY,
    });
  }

  /** For an agent: valid for its host's name and its address. `expired`: it was, until yesterday. */
  agent(host: { readonly name: string; readonly address: string }, expired = false): LabCertificate {
    const names = [tlv(0x82, Buffer.from(host.name, 'latin1'))];
    if (isIPv4(host.address)) names.push(tlv(0x87, Buffer.from(host.address.split('.').map(Number))));
    const cert = this.#sign({
      commonName: host.name,
      publicKey: this.#agentKeys.publicKey,
      extensions: [extension('2.5.29.17', sequence(...names)), usage('1.3.6.1.5.5.7.3.1'), this.#authority()],
      from: this.#now - 30 * DAY,
      until: this.#now + (expired ? -DAY : 365 * DAY),
    });
    return { cert, key: pemOf(this.#agentKeys.privateKey) };
  }

  /** For a client. */
  client(commonName: string): LabCertificate {
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const cert = this.#sign({
      ...{ commonName, publicKey: keys.publicKey },
      extensions: [usage('1.3.6.1.5.5.7.3.2'), this.#authority()],
      from: this.#now - DAY,
      until: this.#now + 365 * DAY,
    });
    return { cert, key: pemOf(keys.privateKey) };
  }

  #authority(): Buffer {
    return extension('2.5.29.35', sequence(tlv(0x80, keyId(this.#keys.publicKey))));
  }

  #sign({ commonName, publicKey, extensions, from, until }: Subject): string {
    const version = tlv(0xa0, integer(Buffer.from([2])));
    // Positive, and no byte of it to spare: serial numbers have 20 bytes at most.
    const serial = randomBytes(16);
    serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
    const toSign = sequence(
      version,
      integer(serial),
      ecdsaSha256,
      this.#issuer,
      sequence(time(from), time(until)),
      name(commonName),
      publicKey.export({ type: 'spki', format: 'der' }),
      tlv(0xa3, sequence(...extensions)),
    );
    const signature = sign('sha256', toSign, this.#keys.privateKey);
    const der = sequence(toSign, ecdsaSha256, bits(signature));
    const lines = der.toString('base64').replace(/.{64}(?=.)/g, '$&\n');
    return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
  }
}

function name(commonName: string): Buffer {
  const part = (id: string, value: string): Buffer => set(sequence(oid(id), utf8(value)));
  return sequence(part('2.5.4.10', 'vurti lab'), part('2.5.4.3', commonName));
}

function extension(id: string, value: Buffer, critical?: 'critical'): Buffer {
  return sequence(oid(id), ...(critical === undefined ? [] : [truth()]), octets(value));
}

const usage = (purpose: string): Buffer => extension('2.5.29.37', sequence(oid(purpose)));

function keyId(key: KeyObject): Buffer {
  return createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest();
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string;
}
