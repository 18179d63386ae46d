import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { messageOf, VurtiError } from '../../kernel/index.js';
import { LabCa } from '../../simulator/index.js';
import type { Context } from '../context.js';
import { emit } from '../output.js';
import { escapeControl } from '../text.js';

export interface CertsOptions {
  readonly agent?: readonly string[];
}

interface PemFile {
  readonly path: string;
  readonly text: string;
}

const DEFAULT_DIRECTORY = 'pki';

/**
 * A CA for a laboratory, our certificate signed by it, and one for each agent that is named. The CA's key is not kept:
 * whoever finds these files cannot sign further ones. Beside an engine it is the engine's CA that signs ours.
 */
export function initCerts(context: Context, directory: string | undefined, options: CertsOptions): void {
  const { io } = context;
  const root = resolve(io.cwd, directory ?? DEFAULT_DIRECTORY);
  const ca = new LabCa(io.clock.now());
  const ours = ca.client('vurti');
  const files: PemFile[] = [
    { path: join(root, 'ca.pem'), text: ca.cert },
    { path: join(root, 'vurti.cer'), text: ours.cert },
    { path: join(root, 'vurti.key'), text: ours.key },
  ];
  for (const agent of (options.agent ?? []).map(agentOf)) {
    const { cert, key } = ca.agent(agent);
    const place = join(root, 'agents', agent.name);
    // Under the names that VDSM looks for.
    files.push({ path: join(place, 'cacert.pem'), text: ca.cert });
    files.push({ path: join(place, 'vdsmcert.pem'), text: cert });
    files.push({ path: join(place, 'vdsmkey.pem'), text: key });
  }
  write(files);
  const shown = files.map(({ path }) => (relative(io.cwd, path).startsWith('..') ? path : relative(io.cwd, path)));
  emit(context, {
    document: { apiVersion: 'vurti/v1', kind: 'CertificateFiles', items: shown.map((path) => ({ path })) },
    items: shown.map((path) => ({ path })),
    names: shown,
    table: () => [
      ...shown.map((path) => `wrote ${escapeControl(path)}`),
      ...(context.globals.quiet ? [] : next(shown[0] ?? '', options.agent !== undefined)),
    ],
  });
}

function agentOf(text: string): { readonly name: string; readonly address: string } {
  const [name = '', address = name, ...more] = text.split('=');
  const isName = (value: string): boolean => /^[A-Za-z0-9][\w.-]{0,252}$/.test(value);
  if (isName(name) && isName(address) && more.length === 0) return { name, address };
  throw new VurtiError('BAD_ARGUMENT', `--agent ${text} is not NAME or NAME=ADDRESS`);
}

/** All or none: a directory in which some files fit each other and some do not helps nobody. */
function write(files: readonly PemFile[]): void {
  const taken = files.find(({ path }) => existsSync(path));
  if (taken !== undefined) {
    throw new VurtiError('ALREADY_EXISTS', `${taken.path} is there already; nothing was written`, {
      hint: 'Name another directory, or remove these files if nobody uses them.',
    });
  }
  for (const { path, text } of files) {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
    } catch (error) {
      throw new VurtiError('BAD_ARGUMENT', `${path} cannot be written: ${messageOf(error)}`, { cause: error });
    }
  }
}

function next(caFile: string, hasAgents: boolean): string[] {
  const directory = dirname(caFile);
  const file = (name: string): string => escapeControl(join(directory, name));
  return [
    '',
    'In vurti.yaml:',
    `  agents: { tls: { caFile: ${file('ca.pem')}, certFile: ${file('vurti.cer')}, keyFile: ${file('vurti.key')} } }`,
    ...(hasAgents
      ? [
          `Each agent gets its own files of ${file('agents')}: cacert.pem and vdsmcert.pem belong into /etc/pki/vdsm/certs,`,
          'vdsmkey.pem into /etc/pki/vdsm/keys (owner vdsm, group kvm, mode 0440). Then: systemctl restart vdsmd',
        ]
      : ['Certificates for agents are made together with these: --agent kvm-01=10.0.4.11']),
    'For a laboratory only. Beside an engine let the engine’s CA sign our certificate.',
  ];
}
