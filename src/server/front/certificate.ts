import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import { messageOf, VurtiError } from '../../kernel/index.js';

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

interface Pair {
  readonly cert: string;
  readonly key: string;
  readonly leaf: X509Certificate;
}

/** The service's own certificate, read from its files again when they change. */
export class ServerCertificate {
  readonly #files: TlsFiles;
  #stamp: string;
  #pair: Pair;

  /** @throws CONFIG_UNREADABLE, CONFIG_INVALID */
  constructor(files: TlsFiles) {
    this.#files = files;
    this.#stamp = this.#stampNow();
    this.#pair = load(files);
  }

  get cert(): string {
    return this.#pair.cert;
  }

  get key(): string {
    return this.#pair.key;
  }

  /** Ms since the epoch. */
  get endsAt(): number {
    return Date.parse(this.#pair.leaf.validTo);
  }

  /** Whether it was made for this name or address. */
  covers(name: string): boolean {
    const bare = name.replace(/^\[(.*)\]$/, '$1');
    const { leaf } = this.#pair;
    return (isIP(bare) === 0 ? leaf.checkHost(bare) : leaf.checkIP(bare)) !== undefined;
  }

  /** Whether there is another one now. One of two files may be new before the other: then what was read first stays. @throws CONFIG_UNREADABLE, CONFIG_INVALID */
  refresh(): boolean {
    const stamp = this.#stampNow();
    if (stamp === this.#stamp) return false;
    this.#stamp = stamp;
    this.#pair = load(this.#files);
    return true;
  }

  #stampNow(): string {
    const { certFile, keyFile } = this.#files;
    return [certFile, keyFile]
      .map((file) => statSync(file, { throwIfNoEntry: false, bigint: true }))
      .map((stat) => `${stat?.ino}:${stat?.mtimeNs}:${stat?.size}`)
      .join(' ');
  }
}

function load({ certFile, keyFile }: TlsFiles): Pair {
  const cert = read(certFile);
  const key = read(keyFile);
  try {
    createSecureContext({ cert, key });
    return { cert, key, leaf: new X509Certificate(cert) };
  } catch (error) {
    // OpenSSL's words name no file, and never the key.
    throw new VurtiError('CONFIG_INVALID', `server.tls: ${certFile} and ${keyFile} do not go together`, {
      hint: 'PEM files of a certificate (with its chain) and of its private key, without a passphrase.',
      cause: error,
    });
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new VurtiError('CONFIG_UNREADABLE', `server.tls: ${file} cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
