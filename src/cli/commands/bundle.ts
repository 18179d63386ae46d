import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { messageOf, VurtiError, withoutSecrets } from '../../kernel/index.js';
import type { EventListEnvelope, ItemEnvelope } from '../../server/index.js';
import type { Client } from '../client.js';
import type { Context } from '../context.js';
import { bytes, count } from '../human.js';
import { emit } from '../output.js';
import { type TarEntry, tar } from '../tar.js';
import { packageVersion } from '../version.js';

export interface BundleOptions {
  readonly host?: string;
  readonly vm?: string;
  readonly file?: string;
}

/** What one page of events holds at most; also what a bundle takes of them. */
const EVENTS = 1000;

interface Part {
  readonly name: string;
  readonly what: string;
  readonly read: () => Promise<string>;
}

/** What somebody needs to look into a problem from afar, in one file. Everything in it is listed, and free of secrets. */
export async function bundle(context: Context, options: BundleOptions): Promise<void> {
  const { io } = context;
  const client = context.client();
  // Without a service there is nothing to gather, and the first question says why.
  const status = await client.get('/api/v1/status');
  const now = new Date(io.clock.now());
  const folder = `vurti-bundle-${now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')}`;
  const entries: TarEntry[] = [];
  const contents: { name: string; what: string; bytes: number; error: string | null }[] = [];
  for (const { name, what, read } of partsOf(client, status, options)) {
    try {
      const content = Buffer.from(withoutSecrets(await read()));
      entries.push({ name: `${folder}/${name}`, content });
      contents.push({ name, what, bytes: content.length, error: null });
    } catch (error) {
      // The rest may still help.
      contents.push({ name, what, bytes: 0, error: messageOf(error) });
    }
  }
  const list = `${JSON.stringify({ made: now.toISOString(), version: packageVersion(), files: contents }, null, 2)}\n`;
  entries.unshift({ name: `${folder}/contents.json`, content: Buffer.from(list) });
  const file = resolve(io.cwd, options.file ?? `${folder}.tar.gz`);
  const archive = gzipSync(tar(entries, now.getTime() / 1000));
  try {
    // Nobody else needs to read of our machines, and nothing that is there is written over.
    writeFileSync(file, archive, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    throw new VurtiError('BAD_ARGUMENT', `${file} cannot be written: ${messageOf(cause)}`, { cause });
  }
  emit(context, {
    document: { apiVersion: 'vurti/v1', kind: 'Bundle', file, bytes: archive.length, files: contents },
    names: [file],
    table: () => [
      ...contents.map(
        ({ name, what, bytes: size, error }) =>
          `${name.padEnd(28)}  ${error === null ? `${what} (${bytes(size)})` : `missing: ${error}`}`,
      ),
      `${file} (${bytes(archive.length)}); look through it before you give it away: names and addresses of your hosts stand in it.`,
    ],
  });
}

function partsOf(client: Client, status: unknown, { host, vm }: BundleOptions): Part[] {
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  const named = (kind: 'host' | 'vm', list: string | undefined): Part[] =>
    (list ?? '')
      .split(',')
      .filter((ref) => ref !== '')
      .map((ref) => ({
        name: `explain-${kind}-${ref.replaceAll(/[^\w.-]/g, '_').slice(0, 60)}.json`,
        what: `why ${ref} is in its status, and its last events`,
        read: async () => {
          const explained = await client.get<ItemEnvelope<{ readonly id: string }>>(
            `/api/v1/explain/${kind}/${encodeURIComponent(ref)}`,
          );
          const events = await client.get<EventListEnvelope>('/api/v1/events', {
            [kind]: explained.item.id,
            limit: 200,
            changes: true,
          });
          const view = await client.get(`/api/v1/${kind}s/${encodeURIComponent(explained.item.id)}`);
          return json({ explained, view, events });
        },
      }));
  const { node } = process.versions;
  const { platform, arch } = process;
  return [
    {
      name: 'version.json',
      what: 'versions',
      read: async () => json({ vurti: packageVersion(), node, platform, arch }),
    },
    { name: 'status.json', what: 'the status', read: async () => json(status) },
    {
      name: 'settings.json',
      what: 'settings in force, secrets as (set)',
      read: async () => json(await client.get('/api/v1/settings')),
    },
    {
      name: 'events.ndjson',
      what: `the last ${count(EVENTS)} events`,
      read: async () => {
        const { items } = await client.get<EventListEnvelope>('/api/v1/events', { limit: EVENTS });
        return items.map((event) => `${JSON.stringify(event)}\n`).join('');
      },
    },
    { name: 'hosts.json', what: 'all hosts', read: async () => json(await client.get('/api/v1/hosts')) },
    ...named('host', host),
    ...named('vm', vm),
  ];
}
