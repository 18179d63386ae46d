import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** How a command in the same directory finds the running service: `service.json` in the data directory. */
export interface ServiceFile {
  readonly url: string;
  readonly pid: number;
  /** RFC 3339 */
  readonly since: string;
  readonly tokenFile: string;
  readonly version: string;
}

const fileIn = (dataDir: string): string => join(dataDir, 'service.json');

export function readServiceFile(dataDir: string): ServiceFile | undefined {
  try {
    const parsed = JSON.parse(readFileSync(fileIn(dataDir), 'utf8')) as Partial<ServiceFile>;
    const { url, pid, since, tokenFile, version } = parsed;
    if (typeof url !== 'string' || typeof pid !== 'number' || !Number.isInteger(pid) || pid <= 0) return undefined;
    return { url, pid, since: since ?? '', tokenFile: tokenFile ?? '', version: version ?? '' };
  } catch {
    return undefined;
  }
}

/** Whole or not at all: a reader never sees half a file. */
export function writeServiceFile(dataDir: string, file: ServiceFile): void {
  const temporary = `${fileIn(dataDir)}.${file.pid}`;
  writeFileSync(temporary, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o644 });
  renameSync(temporary, fileIn(dataDir));
}

/** Takes ours away; a successor's stays. */
export function removeServiceFile(dataDir: string, pid: number): void {
  if (readServiceFile(dataDir)?.pid === pid) rmSync(fileIn(dataDir), { force: true });
}
