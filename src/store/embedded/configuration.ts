import { readFile, writeFile } from 'node:fs/promises';
import { VurtiError } from '../../kernel/index.js';
import type { Binaries } from './binaries.js';
import { SUPERUSER, VURTI } from './connection.js';
import type { Endpoint } from './endpoint.js';
import type { Home } from './home.js';

type Settings = Readonly<Record<string, string>>;

/** For a machine that has other things to do; one process and a pool of four sessions use this server. */
const DEFAULTS: Settings = {
  // Durability: what PostgreSQL does by itself, written down because all of vurti's promises stand on it.
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  // Size.
  shared_buffers: '64MB',
  max_connections: '20',
  max_wal_size: '512MB',
  max_worker_processes: '4',
  max_parallel_workers_per_gather: '0',
  // PostgreSQL 18 would keep three more processes for reading ahead; this database fits into the page cache.
  io_method: 'sync',
  jit: 'off',
  // Nobody replicates from here or to here: the log need not carry what only a replica wants.
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  autovacuum: 'on',
  // The server's log is small and quoted in errors: English, UTC, no chatter.
  lc_messages: 'C',
  log_timezone: 'UTC',
  TimeZone: 'UTC',
  log_line_prefix: '%m [%p] ',
  log_checkpoints: 'off',
  logging_collector: 'off',
  log_destination: 'stderr',
};

/** Changed by somebody else, these would take the server out of our hands, or open it to others. */
const OURS = new Set([
  'cluster_name',
  'config_file',
  'data_directory',
  'external_pid_file',
  'hba_file',
  'ident_file',
  'include',
  'include_dir',
  'include_if_exists',
  'listen_addresses',
  'log_destination',
  'logging_collector',
  'port',
  'ssl',
  'unix_socket_directories',
  'unix_socket_group',
  'unix_socket_permissions',
]);

/**
 * All that configures the server, as files beside its data folder, so that nothing needs to be written into that
 * (see Home) and a running server can be recognised as configured like this or otherwise.
 */
export class Configuration {
  readonly #home: Home;
  readonly #files: ReadonlyMap<'postgresql.conf' | 'pg_hba.conf' | 'pg_ident.conf', string>;

  constructor(home: Home, binaries: Binaries, endpoint: Endpoint, overrides: Settings) {
    this.#home = home;
    this.#files = new Map([
      ['postgresql.conf', serverFile(home, binaries, endpoint, overrides)],
      ['pg_hba.conf', admissionFile(endpoint)],
      ['pg_ident.conf', identityFile(home)],
    ]);
  }

  /** Whether the files that the last server was started with say the same. */
  async isUnchanged(): Promise<boolean> {
    for (const [name, text] of this.#files) {
      const found = await readFile(this.#home.at(name), 'utf8').catch(() => undefined);
      if (found !== text) return false;
    }
    return true;
  }

  async write(): Promise<void> {
    // No secrets; the server's user reads them.
    for (const [name, text] of this.#files) await writeFile(this.#home.at(name), text, { mode: 0o644 });
  }
}

function serverFile(home: Home, binaries: Binaries, endpoint: Endpoint, overrides: Settings): string {
  for (const [name, value] of Object.entries(overrides)) {
    if (!/^[a-z_]+(\.[a-z_]+)?$/i.test(name) || OURS.has(name.toLowerCase())) {
      throw new VurtiError('BAD_ARGUMENT', `"${name}" cannot be set for the embedded PostgreSQL`);
    }
    if (/[\0\n\r]/.test(value)) {
      throw new VurtiError('BAD_ARGUMENT', `The value of "${name}" for the embedded PostgreSQL has a line break`);
    }
  }
  const sockets = endpoint.kind === 'socket';
  const settings: Settings = {
    ...DEFAULTS,
    ...overrides,
    listen_addresses: sockets ? '' : endpoint.host,
    // A list: a folder whose name has a comma needs quotes of its own.
    unix_socket_directories: sockets ? `"${endpoint.serverFolder.replaceAll('"', '""')}"` : '',
    unix_socket_permissions: '0700',
    hba_file: home.forServer('pg_hba.conf'),
    ident_file: home.forServer('pg_ident.conf'),
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`);
  const header = [
    '# Written by vurti at each start; changes made here are lost.',
    `# PostgreSQL ${binaries.version}: ${JSON.stringify(binaries.postgres)}`,
  ];
  return `${[...header, ...lines].join('\n')}\n`;
}

/**
 * By the socket: the kernel tells the server which user connects (peer), and only those of pg_ident.conf pass. That is
 * more than trust behind the 0700 folder would give, for nothing: no secret has to be kept, and a folder that is
 * opened by mistake opens nothing. By TCP the kernel does not tell, so a random password is asked for.
 */
function admissionFile(endpoint: Endpoint): string {
  return endpoint.kind === 'socket'
    ? 'local all all peer map=vurti\n'
    : `host all all ${endpoint.host}/32 scram-sha-256\n`;
}

function identityFile({ user }: Home): string {
  const people = [...new Set([user.ownName, user.name])].map((name) => `"${name.replaceAll('"', '""')}"`);
  return people.flatMap((name) => [VURTI, SUPERUSER].map((role) => `vurti ${name} ${role}\n`)).join('');
}
