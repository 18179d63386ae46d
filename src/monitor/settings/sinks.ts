import { readFileSync } from 'node:fs';
import { messageOf } from '../../kernel/index.js';
import type { LoadedSettings } from './load.js';
import { SettingsError, type SettingsProblem } from './problem.js';
import type { Settings } from './schema.js';

type SinkEntry = Settings['sinks'][number];

/** A sink with its secret read. */
export interface SinkAccess extends Omit<SinkEntry, 'secretFile'> {
  readonly secret: string | null;
}

const SHORTEST_SECRET = 16;

/** @throws SettingsError */
export function sinkAccess({ settings, origin }: Pick<LoadedSettings, 'settings' | 'origin'>): SinkAccess[] {
  const problems: SettingsProblem[] = [];
  const sinks = settings.sinks.map(({ secretFile, ...entry }, i): SinkAccess => {
    if (secretFile === undefined) return { ...entry, secret: null };
    const { where } = origin(['sinks', i, 'secretFile']);
    let secret = '';
    try {
      secret = readFileSync(secretFile, 'utf8').trim();
      if (secret.length < SHORTEST_SECRET) {
        const message = `${secretFile} holds a secret that is too short: ${SHORTEST_SECRET} characters or more, as openssl rand -hex 32 makes it.`;
        problems.push({ code: 'CONFIG_INVALID', where, message });
      }
    } catch (error) {
      const message = `${secretFile} cannot be read: ${messageOf(error)}`;
      problems.push({ code: 'CONFIG_UNREADABLE', where, message });
    }
    return { ...entry, secret };
  });
  if (problems.length > 0) throw new SettingsError(problems);
  return sinks;
}
