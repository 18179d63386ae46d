import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { VurtiError } from '../../kernel/index.js';

/** The token of the file, made with it when there is none. Only its owner may read the file. */
export function ensureToken(file: string): string {
  try {
    const text = readFileSync(file, 'utf8').trim();
    if (text.length >= 32) {
      chmodSync(file, 0o600);
      return text;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unusable(file, error);
  }
  const token = randomBytes(32).toString('base64url');
  try {
    writeFileSync(file, `${token}\n`, { mode: 0o600 });
    // The mode above counts for new files only.
    chmodSync(file, 0o600);
  } catch (error) {
    throw unusable(file, error);
  }
  return token;
}

function unusable(file: string, cause: unknown): VurtiError {
  return new VurtiError('CONFIG_UNREADABLE', `The token file ${file} cannot be used`, { cause });
}

/** The token of an Authorization header; undefined when it holds none. */
export function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer ([\w.~+/=-]+)$/i.exec(header ?? '')?.[1];
}

/** Compares in the same time wherever the first difference is. */
export function tokenMatches(given: string, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}
