import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadSettings } from '../../src/monitor/index.js';

const text = (file: string): string => readFileSync(join('deploy', file), 'utf8');

/** Instructions of a Dockerfile by stage, with continued lines joined. */
function stages(file: string): string[][] {
  const lines = text(file)
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const found: string[][] = [];
  for (const line of lines) {
    if (line.startsWith('FROM ')) found.push([]);
    found.at(-1)?.push(line);
  }
  return found;
}

describe('the image', () => {
  const [build = [], final = []] = stages('Dockerfile');

  it('copies from the checkout only what is there and what .dockerignore lets in', () => {
    const allowed = readFileSync('.dockerignore', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = build.filter((line) => line.startsWith('COPY ')).flatMap((line) => line.split(/\s+/).slice(1, -1));
    expect(copied.length).toBeGreaterThan(3);
    for (const path of copied) expect([path, existsSync(path), allowed.includes(path)]).toEqual([path, true, true]);
    for (const path of allowed) expect([path, copied.includes(path)]).toEqual([path, true]);
  });

  it('runs as nobody’s user, from the second stage alone, with a health check', () => {
    expect(stages('Dockerfile')).toHaveLength(2);
    expect(
      final.filter((line) => line.startsWith('COPY ')).every((line) => line.startsWith('COPY --from=build ')),
    ).toBe(true);
    const user = final.indexOf('USER 10001:10001');
    expect(user).toBeGreaterThan(final.findIndex((line) => line.startsWith('RUN ')));
    expect(final.slice(user).some((line) => /^(RUN|COPY|USER root)/.test(line))).toBe(false);
    expect(final.some((line) => line.startsWith('HEALTHCHECK '))).toBe(true);
    const { bin, engines } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      bin: { vurti: string };
      engines: { node: string };
    };
    expect(final.join('\n')).toContain(`/opt/vurti/${bin.vurti}`);
    expect([engines.node, build[0]]).toEqual(['>=20.19', expect.stringMatching(/^FROM node:2[024]-/) as string]);
  });
});

describe('the composition', () => {
  interface Service {
    readonly image?: string;
    readonly build?: { readonly context: string; readonly dockerfile: string };
    readonly volumes?: readonly string[];
    readonly depends_on?: readonly string[] | Readonly<Record<string, object>>;
    readonly network_mode?: string;
    readonly ports?: readonly string[];
    readonly read_only?: boolean;
  }
  const compose = parse(text('compose/compose.yaml')) as {
    services: Record<string, Service>;
    volumes: Record<string, null>;
  };
  const services = Object.entries(compose.services);

  it('names only files, volumes and services that are there', () => {
    for (const [name, { volumes = [], depends_on = [], network_mode, build }] of services) {
      for (const [source = ''] of volumes.map((volume) => volume.split(':'))) {
        const there = source.startsWith('.')
          ? existsSync(join('deploy/compose', source))
          : Object.hasOwn(compose.volumes, source);
        expect([name, source, there]).toEqual([name, source, true]);
      }
      const needed = Array.isArray(depends_on) ? depends_on : Object.keys(depends_on);
      for (const other of [...needed, network_mode?.replace('service:', '') ?? 'vurti']) {
        expect([name, other, Object.hasOwn(compose.services, other as string)]).toEqual([name, other, true]);
      }
      if (build !== undefined) expect(existsSync(join('deploy/compose', build.context, build.dockerfile))).toBe(true);
    }
    expect(services.map(([name]) => name)).toEqual(['vurti', 'postgres', 'prometheus', 'grafana']);
  });

  it('opens nothing to others, pins its images, and leaves vurti a read-only root', () => {
    for (const [name, { ports = [], image = '' }] of services) {
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
      if (name !== 'vurti') expect(image).toMatch(/:v?\d+[\w.-]*$/);
    }
    expect(compose.services['vurti']?.read_only).toBe(true);
  });

  it('has settings that vurti takes', () => {
    expect(loadSettings({ file: 'deploy/compose/vurti.yaml', env: {} }).settings.mode).toBe('observer');
  });
});

describe('the systemd unit', () => {
  const entries = text('systemd/vurti.service')
    .split('\n')
    .filter((line) => /^\w+=/.test(line))
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const);
  const unit = new Map(entries);

  it('tells of itself by its children, reloads by its own command, and stops in order', () => {
    expect(Object.fromEntries(unit)).toMatchObject({
      ...{ Type: 'notify', NotifyAccess: 'all', User: 'vurti', KillMode: 'mixed', ProtectSystem: 'strict' },
      ...{ ExecStart: '/usr/bin/vurti serve', ExecReload: '/usr/bin/vurti reload', NoNewPrivileges: 'yes' },
    });
    // Longer than the stop's own limits together, or the last rows are cut off.
    expect(Number(unit.get('TimeoutStopSec'))).toBeGreaterThan(30);
  });

  it('knows the families of addresses that it needs, and nothing that V8 cannot live with', () => {
    expect(unit.get('RestrictAddressFamilies')?.split(' ')).toEqual(['AF_INET', 'AF_INET6', 'AF_UNIX', 'AF_NETLINK']);
    expect(unit.has('MemoryDenyWriteExecute')).toBe(false);
  });
});
