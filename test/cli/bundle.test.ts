import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Cli } from './harness.js';

function unpacked(cli: Cli, file: string): { folder: string; read: (name: string) => string } {
  execFileSync('tar', ['-xzf', join(cli.cwd, file), '-C', cli.cwd]);
  const folder = readdirSync(cli.cwd).find(
    (name) => name.startsWith('vurti-bundle-') && !name.endsWith('.gz'),
  ) as string;
  return { folder, read: (name) => readFileSync(join(cli.cwd, folder, name), 'utf8') };
}

describe('vurti bundle', () => {
  it('gathers status, settings, events and what is asked for, and lists what is in it', async () => {
    const cli = new Cli();
    const { monitor } = cli.service;
    monitor.log.event('VDS_HOST_NOT_RESPONDING', {
      host: 'kvm-01',
      params: { Seconds: '73', Password: 'password=hunter2' },
    });
    monitor.log.event('VM_DOWN', { vm: 'web-01' });
    const { code, out } = await cli.run('bundle', '--host', 'kvm-01,kvm-99', '--vm', 'web-01', '--file', 'case.tar.gz');
    expect(code).toBe(0);
    expect(statSync(join(cli.cwd, 'case.tar.gz')).mode & 0o777).toBe(0o600);
    const { folder, read } = unpacked(cli, 'case.tar.gz');
    expect(folder).toMatch(/^vurti-bundle-\d{8}-\d{6}$/);
    const contents = JSON.parse(read('contents.json')) as {
      files: { name: string; error: string | null; bytes: number }[];
    };
    expect(contents.files.map(({ name }) => name)).toEqual([
      'version.json',
      'status.json',
      'settings.json',
      'events.ndjson',
      'hosts.json',
      'explain-host-kvm-01.json',
      'explain-host-kvm-99.json',
      'explain-vm-web-01.json',
    ]);
    for (const { name, error, bytes } of contents.files) {
      expect(out).toContain(name);
      if (error === null) expect(Buffer.byteLength(read(name))).toBe(bytes);
    }
    // What cannot be had is said, and the rest is there all the same.
    expect(contents.files.filter(({ error }) => error !== null).map(({ name }) => name)).toEqual([
      'explain-host-kvm-99.json',
    ]);
    const events = read('events.ndjson')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { name: string });
    expect(events.map(({ name }) => name)).toEqual(['VDS_HOST_NOT_RESPONDING', 'VM_DOWN']);
    expect(read('events.ndjson')).not.toContain('hunter2');
    expect(JSON.parse(read('status.json'))).toMatchObject({ kind: 'Status' });
    expect(JSON.parse(read('explain-vm-web-01.json'))).toMatchObject({ explained: { item: { name: 'web-01' } } });
  });

  it('writes over nothing', async () => {
    const cli = new Cli();
    writeFileSync(join(cli.cwd, 'case.tar.gz'), 'mine');
    const { code, err } = await cli.run('bundle', '--file', 'case.tar.gz');
    expect(code).toBe(2);
    expect(err).toContain('EEXIST');
    expect(readFileSync(join(cli.cwd, 'case.tar.gz'), 'utf8')).toBe('mine');
  });

  it('without a service there is nothing to gather', async () => {
    const cli = new Cli();
    cli.outage = 'refused';
    expect((await cli.run('bundle')).code).toBe(3);
    expect(readdirSync(cli.cwd).filter((name) => name.endsWith('.gz'))).toEqual([]);
  });
});

describe('vurti raw', () => {
  it('shows what the agent said, and nothing that moves the cursor', async () => {
    const cli = new Cli();
    const { code, out } = await cli.run('raw', 'kvm-01', 'Host.getStats');
    expect(code).toBe(0);
    expect(out).toContain('"cpuIdle": "99.5"');
    expect(out).not.toContain('\u009b');
    expect(cli.service.monitor.calls).toEqual(['raw id-kvm-01 Host.getStats']);
    const asJson = await cli.run('raw', 'kvm-01', 'Host.getAllVmStats', '--vm', 'web-01', '--json');
    expect(JSON.parse(asJson.out)).toMatchObject({
      kind: 'Raw',
      item: { host: 'kvm-01', method: 'Host.getAllVmStats' },
    });
    expect(cli.service.monitor.calls).toContain('raw id-kvm-01 Host.getAllVmStats web-01');
  });

  it('of a host that is not there: exit 4', async () => {
    expect((await new Cli().run('raw', 'kvm-99', 'Host.getStats')).code).toBe(4);
  });
});
