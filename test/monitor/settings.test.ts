import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultSettings } from '../../src/model/index.js';
import {
  agentAccess,
  coreSettings,
  type LoadedSettings,
  loadSettings,
  SettingsError,
  type SettingsSources,
  settingsDocument,
  shownSettings,
  shownTree,
} from '../../src/monitor/settings/index.js';

const dollar = '$';
let cwd = '';
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'vurti-settings-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

function load(yaml: string | undefined, more: Partial<SettingsSources> = {}): LoadedSettings {
  if (yaml !== undefined) writeFileSync(join(cwd, 'vurti.yaml'), yaml);
  return loadSettings({ cwd, ...(yaml === undefined ? {} : { file: 'vurti.yaml' }), ...more });
}

function problems(yaml: string, more: Partial<SettingsSources> = {}): string[] {
  try {
    load(yaml, more);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems.map((p) => `${p.code} ${p.where} ${p.message}`);
    throw error;
  }
  return [];
}

describe('what is wrong is named, with line and column', () => {
  const table: [string, string, string[]][] = [
    [
      'a mistyped name',
      'mode: observer\npoll: { intervalSecond: 5 }',
      [
        'CONFIG_UNKNOWN_KEY vurti.yaml:2:9 poll.intervalSecond is not a setting. Did you mean poll.intervalSeconds (number, 1–3600, default 15)?',
      ],
    ],
    [
      'the right name in the wrong place',
      'perVmSeconds: 2',
      [
        'CONFIG_UNKNOWN_KEY vurti.yaml:1:1 perVmSeconds is not a setting. Did you mean grace.perVmSeconds (number, 0–600, default 0.5)?',
      ],
    ],
    ['nothing near', 'mode: observer\nzebra: 1', ['CONFIG_UNKNOWN_KEY vurti.yaml:2:1 zebra is not a setting.']],
    ['a hostile name', '__proto__: { x: 1 }', ['CONFIG_UNKNOWN_KEY vurti.yaml:1:1 __proto__ is not a setting.']],
    [
      'a value out of range',
      'poll:\n  intervalSeconds: 0',
      ['CONFIG_INVALID vurti.yaml:2:20 poll.intervalSeconds: 0 is not allowed. Expected: number, 1–3600, default 15.'],
    ],
    [
      'a wrong type',
      'absence: { misses: many }',
      [
        'CONFIG_INVALID vurti.yaml:1:20 absence.misses: "many" is not allowed. Expected: whole number, 1–100, default 2.',
      ],
    ],
    [
      'a wrong choice',
      'mode: watcher',
      ['CONFIG_INVALID vurti.yaml:1:7 mode: "watcher" is not allowed. Expected: observer | manager, default observer.'],
    ],
    [
      'a value where a group belongs',
      'poll: 5',
      ['CONFIG_INVALID vurti.yaml:1:7 poll: 5 is not allowed. Expected: a group of settings.'],
    ],
    ['a list as the whole', '- a', ['CONFIG_INVALID vurti.yaml:1:1 The file must hold settings by name.']],
    [
      'two settings that do not fit',
      'poll: { intervalSeconds: 20, deadlineSeconds: 30, maxIntervalSeconds: 10 }',
      [
        'CONFIG_INVALID vurti.yaml:1:47 poll.deadlineSeconds (30) must be below poll.intervalSeconds (20).',
        'CONFIG_INVALID vurti.yaml:1:71 poll.maxIntervalSeconds (10) must not be below poll.intervalSeconds (20).',
      ],
    ],
    [
      'an override that does not fit',
      'clusters: { lab: { poll: { intervalSeconds: 8 } } }',
      [
        'CONFIG_INVALID vurti.yaml:1:45 clusters.lab.poll.deadlineSeconds (10) must be below clusters.lab.poll.intervalSeconds (8).',
      ],
    ],
    [
      'an override of what only the whole has',
      'hosts: { kvm-01: { poll: { concurrency: 8 } } }',
      [
        'CONFIG_UNKNOWN_KEY vurti.yaml:1:28 hosts.kvm-01.poll.concurrency is not a setting. Did you mean poll.concurrency (whole number, 1–10000, default 64)?',
      ],
    ],
    [
      'an action beside an engine',
      'mode: observer\nactions:\n  destroyLeftovers: true',
      [
        'ACTION_IN_OBSERVER_MODE vurti.yaml:3:21 actions.destroyLeftovers: an observer never acts on a VM. Remove it, or set mode: manager if no engine manages these hosts.',
      ],
    ],
    [
      'an open address',
      'server:\n  listen: 0.0.0.0:8680',
      [
        'LISTEN_NEEDS_TOKEN vurti.yaml:2:11 server.listen 0.0.0.0:8680 is reachable by others: set server.tls and add a token (vurti tokens add NAME --scope read). Or listen on 127.0.0.1:8680.',
      ],
    ],
    [
      'TLS without its key',
      'server: { listen: "0.0.0.0:8680", tls: { certFile: a.pem } }',
      ['CONFIG_INVALID vurti.yaml:1:40 server.tls.keyFile is missing (text).'],
    ],
    [
      'not an address',
      'server: { listen: "8680" }',
      ['CONFIG_INVALID vurti.yaml:1:19 server.listen: "8680" is not ADDRESS:PORT, like 127.0.0.1:8680 or [::1]:8680.'],
    ],
    [
      'secrets written out',
      'database: { url: "postgres://vurti:geheim@db/vurti" }\nagents:\n  tls: { keyPassword: geheim }',
      [
        `CONFIG_SECRET_INLINE vurti.yaml:1:18 database.url holds a password. Write url: "\${DATABASE_URL}", and set that variable.`,
        'CONFIG_SECRET_INLINE vurti.yaml:3:10 agents.tls.keyPassword holds a secret. Put it into a file that only vurti may read, and name that file.',
      ],
    ],
    [
      'settings of later versions',
      'inventory: { engine: { url: x, password: y } }',
      [
        'CONFIG_INVALID vurti.yaml:1:14 inventory.engine is not in this version yet: list the hosts in inventory.hosts or inventory.files.',
        'CONFIG_SECRET_INLINE vurti.yaml:1:32 inventory.engine.password holds a secret. Put it into a file that only vurti may read, and name that file.',
      ],
    ],
    [
      'a sink twice, with a password in its address, whose value is not told',
      'sinks:\n  - { name: a, type: webhook, url: "https://x/y" }\n  - { name: a, type: webhook, url: "https://u:hidden@x" }',
      [
        'CONFIG_INVALID vurti.yaml:3:13 A sink named "a" is already there.',
        'CONFIG_INVALID vurti.yaml:3:36 sinks[1].url: its value must be an http or https address without user and password.',
      ],
    ],
    [
      'a host without an address, and a wrong one',
      'inventory:\n  hosts:\n    - { name: a }\n    - { name: b, address: "b c", port: 0 }',
      [
        'CONFIG_INVALID vurti.yaml:3:7 inventory.hosts[0].address is missing (text).',
        'CONFIG_INVALID vurti.yaml:4:27 inventory.hosts[1].address: "b c" must be a host name or an IP address.',
        'CONFIG_INVALID vurti.yaml:4:40 inventory.hosts[1].port: 0 is not allowed. Expected: whole number, 1–65535.',
      ],
    ],
    [
      'hosts twice',
      'inventory:\n  hosts:\n    - { name: a, address: x }\n    - { name: a, address: y }\n    - { name: c, id: a, address: z }',
      [
        'CONFIG_INVALID vurti.yaml:5:7 A host with the id "a" is already listed (vurti.yaml:3:7).',
        'CONFIG_INVALID vurti.yaml:4:7 A host with the name "a" is already listed (vurti.yaml:3:7).',
      ],
    ],
    [
      'a pattern that is none',
      'guest: { nicBlacklist: ["lo", "("] }',
      ['CONFIG_INVALID vurti.yaml:1:31 guest.nicBlacklist[1]: "(" must be a regular expression.'],
    ],
    [
      'a variable that is not set',
      `dataDir: "\${NOWHERE}"`,
      [
        `CONFIG_INVALID vurti.yaml:1:10 dataDir: the environment variable NOWHERE is not set. Set it, or write ${dollar}{NOWHERE:-value}.`,
      ],
    ],
    [
      'no YAML',
      'mode: [',
      ['CONFIG_SYNTAX vurti.yaml:1:8 Flow sequence in block collection must be sufficiently indented and end with a ]'],
    ],
    ['a key twice', 'mode: observer\nmode: manager', ['CONFIG_SYNTAX vurti.yaml:2:1 Map keys must be unique']],
    [
      'a file that does not exist',
      'inventory: { files: [none.yaml] }',
      [expect.stringMatching(/^CONFIG_UNREADABLE none.yaml cannot be read: ENOENT/) as unknown as string],
    ],
    [
      'a pattern without files',
      'inventory: { files: ["*.none"] }',
      [
        expect.stringMatching(
          /^CONFIG_UNREADABLE vurti.yaml:1:22 inventory.files: no file is named/,
        ) as unknown as string,
      ],
    ],
  ];
  it.each(table)('%s', (_, yaml, expected) => {
    expect(problems(yaml)).toEqual(expected);
  });

  it('in the environment and in flags, by their names', () => {
    const env = {
      VURTI_POLL_INTERVAL_SECOND: '5',
      VURTI_ABSENCE_MISSES: 'x',
      VURTI_URL: 'http://x',
      VURTI_SERVER_PORT_80_TCP: 'tcp://1',
    };
    const flags = [{ path: ['server', 'listen'], value: 'nowhere', where: '--listen' }];
    expect(problems('', { env, flags })).toEqual([
      'CONFIG_UNKNOWN_KEY VURTI_POLL_INTERVAL_SECOND is not a setting. Did you mean VURTI_POLL_INTERVAL_SECONDS?',
      'CONFIG_INVALID VURTI_ABSENCE_MISSES absence.misses: "x" is not allowed. Expected: whole number, 1–100, default 2.',
      'CONFIG_INVALID --listen server.listen: "nowhere" is not ADDRESS:PORT, like 127.0.0.1:8680 or [::1]:8680.',
    ]);
  });

  it('when the file itself cannot be read', () => {
    expect(() => loadSettings({ cwd, file: 'none.yaml' })).toThrow(/^none.yaml {2}cannot be read: ENOENT/);
  });
});

describe('layers', () => {
  it('gives the product defaults without any source', () => {
    const loaded = load(undefined);
    expect(coreSettings(loaded.settings)).toEqual(defaultSettings);
    expect(loaded.settings.server.listen).toBe('127.0.0.1:8680');
    expect(loaded.settings.dataDir).toBe(join(cwd, '.vurti'));
  });

  it('lets a flag win over the environment, that over the file, that over the default', () => {
    const yaml = 'mode: manager\nserver: { listen: 127.0.0.1:1 }\ngrace: { seconds: 1, attempts: 9 }\n';
    const loaded = load(yaml, {
      env: { VURTI_SERVER_LISTEN: '127.0.0.1:2', VURTI_GRACE_SECONDS: '2' },
      flags: [{ path: ['server', 'listen'], value: '127.0.0.1:3', where: '--listen' }],
    });
    expect(loaded.settings.server.listen).toBe('127.0.0.1:3');
    expect(loaded.settings.grace).toMatchObject({ seconds: 2, attempts: 9, perVmSeconds: 0.5 });
    const origins = Object.fromEntries(
      shownSettings(loaded).map((s) => [s.path, `${s.origin.layer} ${s.origin.where}`.trim()]),
    );
    expect(origins).toMatchObject({
      'server.listen': 'flag --listen',
      'grace.seconds': 'environment VURTI_GRACE_SECONDS',
      'grace.attempts': 'file vurti.yaml:3:32',
      mode: 'file vurti.yaml:1:7',
      'grace.perVmSeconds': 'default',
    });
  });

  it('takes DATABASE_URL, unless VURTI_DATABASE_URL says otherwise, and never shows it', () => {
    const env = { DATABASE_URL: 'postgres://u:p@one/x' };
    const loaded = load('', { env });
    expect(loaded.settings.database.url).toBe('postgres://u:p@one/x');
    expect(loaded.origin(['database', 'url'])).toEqual({ layer: 'environment', where: 'DATABASE_URL' });
    expect(JSON.stringify([shownSettings(loaded), shownTree(loaded)])).not.toContain('u:p');
    expect(shownTree(loaded)).toMatchObject({ database: { url: '(set)', schema: 'vurti' } });
    const own = load('', { env: { ...env, VURTI_DATABASE_URL: 'postgres://two/x' } });
    expect(own.settings.database.url).toBe('postgres://two/x');
  });

  it('fills variables into the file', () => {
    const yaml = `database: { url: "\${DB}", poolSize: "\${POOL:-6}" }\ndataDir: $\${x}\npush: \n`;
    const loaded = load(yaml, { env: { DB: 'postgres://u:p@db/x' } });
    expect(loaded.settings.database).toEqual({
      url: 'postgres://u:p@db/x',
      waitSeconds: 3600,
      poolSize: 6,
      schema: 'vurti',
    });
    expect(loaded.settings.dataDir).toBe(join(cwd, `${dollar}{x}`));
  });

  it('counts relative paths from the file, those of the environment and of flags from here', () => {
    mkdirSync(join(cwd, 'etc'));
    writeFileSync(join(cwd, 'etc', 'v.yaml'), 'dataDir: data\nagents: { tls: { caFile: ca.pem } }');
    const loaded = loadSettings({ cwd, file: 'etc/v.yaml', env: { VURTI_AGENTS_TLS_CERT_FILE: 'c.pem' } });
    expect(loaded.settings.dataDir).toBe(join(cwd, 'etc', 'data'));
    expect(loaded.settings.agents.tls).toEqual({ caFile: join(cwd, 'etc', 'ca.pem'), certFile: join(cwd, 'c.pem') });
    const flag = loadSettings({
      cwd,
      file: 'etc/v.yaml',
      flags: [{ path: ['dataDir'], value: 'd', where: '--data-dir' }],
    });
    expect(flag.settings.dataDir).toBe(join(cwd, 'd'));
  });

  it('takes values from code, by the same rules', () => {
    const loaded = loadSettings({
      cwd,
      values: { mode: 'manager', grace: { seconds: 5 } },
      env: { VURTI_GRACE_SECONDS: '7' },
    });
    expect(loaded.settings).toMatchObject({ mode: 'manager', grace: { seconds: 7, attempts: 2 } });
    expect(loaded.origin(['mode'])).toEqual({ layer: 'code', where: '' });
    expect(() => loadSettings({ values: { absence: { misses: 0 } } })).toThrow(
      /^absence\.misses: 0 is not allowed\. Expected: whole number, 1–100, default 2\.$/,
    );
  });

  it('takes null where it means something, and as nothing elsewhere', () => {
    const core = coreSettings(load('hostedEngineVmName: null\nmode: null\n').settings);
    expect([core.hostedEngineVmName, core.mode]).toEqual([null, 'observer']);
    const { settings } = load('', { env: { VURTI_HOSTED_ENGINE_VM_NAME: 'null' } });
    expect(settings.hostedEngineVmName).toBeNull();
    expect(problems('hostedEngineVmName: 5')[0]).toContain('Expected: text | null, default HostedEngine.');
  });

  it('reads empty files and empty groups as nothing said', () => {
    expect(coreSettings(load('# nothing\n').settings)).toEqual(defaultSettings);
    expect(coreSettings(load('poll:\ngrace:\n  # seconds: 5\n').settings)).toEqual(defaultSettings);
  });
});

describe('the core’s part', () => {
  it('has the overrides, and moves the longest interval along with the interval', () => {
    const core = coreSettings(
      load(
        'poll: { intervalSeconds: 90 }\nclusters: { lab: { poll: { intervalSeconds: 300 }, grace: { seconds: 5 } } }',
      ).settings,
    );
    expect(core.poll).toMatchObject({ intervalSeconds: 90, maxIntervalSeconds: 90 });
    expect(core.clusters).toEqual({
      lab: { poll: { intervalSeconds: 300, maxIntervalSeconds: 300 }, grace: { seconds: 5 } },
    });
  });
});

describe('inventory', () => {
  const pem = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n';

  it('joins the settings and all files', () => {
    mkdirSync(join(cwd, 'hosts.d'));
    writeFileSync(join(cwd, 'hosts.d', 'a.yaml'), '- { name: kvm-01, address: 10.0.0.1, cluster: prod }\n');
    writeFileSync(
      join(cwd, 'hosts.d', 'b.json'),
      '[{"targets":["kvm-02:54321","[fe80::1]:5","kvm-03"],"labels":{"cluster":"prod"}}]',
    );
    writeFileSync(join(cwd, 'hosts.d', '.c.yaml'), '- nonsense');
    const loaded = load(
      'agents: { protocol: http }\ninventory:\n  files: ["hosts.d/*"]\n  hosts: [{ name: lab, id: l1, address: lab.example.com, protocol: vdsm }]',
    );
    const source = `file:${join(cwd, 'hosts.d', '*')}`;
    expect(agentAccess(loaded).hosts).toEqual([
      { name: 'lab', id: 'l1', address: 'lab.example.com', protocol: 'vdsm', source: 'settings', tls: null },
      { name: 'kvm-01', address: '10.0.0.1', cluster: 'prod', protocol: 'http', source, tls: null },
      { name: 'kvm-02', address: 'kvm-02', port: 54321, cluster: 'prod', protocol: 'http', source, tls: null },
      { name: 'fe80::1', address: 'fe80::1', port: 5, cluster: 'prod', protocol: 'http', source, tls: null },
      { name: 'kvm-03', address: 'kvm-03', cluster: 'prod', protocol: 'http', source, tls: null },
    ]);
  });

  it('names what is wrong in an inventory file by its own lines', () => {
    writeFileSync(join(cwd, 'h.yaml'), '- name: a\n  address: x\n  clusters: y\n');
    expect(problems('inventory: { files: [h.yaml] }')).toEqual([
      'CONFIG_UNKNOWN_KEY h.yaml:3:3 [0].clusters is not a setting. Did you mean [0].cluster (text)?',
    ]);
  });

  it('reads TLS files: general ones, a host’s own, and none', () => {
    writeFileSync(join(cwd, 'ca.pem'), `${pem}ca`);
    writeFileSync(join(cwd, 'own.pem'), `${pem}own`);
    const loaded = load(
      'agents: { protocol: http, tls: { caFile: ca.pem, checkHostName: true } }\ninventory:\n  hosts:\n    - { name: a, address: x }\n    - { name: b, address: y, tls: { caFile: own.pem } }\n    - { name: c, address: z, plain: true }',
    );
    const access = agentAccess(loaded);
    expect(access.tls).toEqual({ ca: `${pem}ca`, checkHostName: true });
    expect(access.hosts.map((h) => h.tls)).toEqual([access.tls, { ca: `${pem}own`, checkHostName: true }, null]);
  });

  it('names TLS files that cannot be used', () => {
    writeFileSync(join(cwd, 'ca.pem'), 'no pem');
    const loaded = load('agents: { tls: { caFile: ca.pem, keyFile: none.key } }');
    expect(() => agentAccess(loaded)).toThrow(/ca\.pem is not a PEM file\.\n.*none\.key cannot be read: ENOENT/s);
  });
});

describe('docs/settings.md', () => {
  it('has every setting with type, default and variable', () => {
    const text = settingsDocument();
    expect(text).toContain('| `poll.intervalSeconds` | number, 1–3600 | `15` | Statistics of a healthy host');
    expect(text).toContain('`VURTI_AGENTS_MAX_ANSWER_MIB`');
    expect(text).toContain('| `inventory.hosts[].address` | text |');
    expect(text).toContain('| `server.tls.certFile` |');
    expect(text).not.toContain('undefined');
  });
});
