import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { run } from '../../src/cli/run.js';
import { RealTime } from '../../src/kernel/index.js';
import { AgentError, hold } from '../fetcher/vdsm/support/agent-server.js';
import { listen, onTheNetwork, pem } from '../fetcher/vdsm/support/network.js';
import { Cli } from './harness.js';

const file = (name: string): string => fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));

/** The command line with real time and sockets, on these settings. */
async function doctor(settings: string, ...argv: string[]) {
  const cli = new Cli();
  writeFileSync(join(cli.cwd, 'vurti.yaml'), settings);
  const time = new RealTime();
  const code = await run(['doctor', ...argv], { ...cli.io, clock: time, scheduler: time });
  return { code, out: cli.out, err: cli.err };
}

const settings = (...hosts: string[]): string =>
  `poll: { deadlineSeconds: 0.5 }\ninventory:\n  hosts:\n${hosts.map((host) => `    - { ${host} }\n`).join('')}`;
const at = (port: number, more = '') => `name: kvm-07, address: 127.0.0.1, port: ${port}, cluster: prod${more}`;

async function agentOf(...given: Parameters<typeof onTheNetwork>) {
  const all = await onTheNetwork(...given);
  all.agent.serve({ 'Host.getCapabilities': {}, 'Host.getAllVmStats': [] });
  // It says it at once when it was asked all: nobody has to wait for 15 s.
  all.agent.methods.set('Host.getAllVmStats', ({ connection }) => {
    all.time.after(50, () => connection.raw('\n'), 'test');
    return [{ vmId: 'a', status: 'Up' }];
  });
  return all;
}

describe('doctor', () => {
  it('goes all the way with an agent that is well', async () => {
    const { agent, host } = await agentOf(
      { ...{ key: pem('agent.key'), cert: pem('agent.pem'), ca: pem('ca.pem') }, requestCert: true },
      { ca: '', checkHostName: false },
    );
    const tls = `agents: { tls: { caFile: ${file('ca.pem')}, certFile: ${file('client.pem')}, keyFile: ${file('client.key')} } }\n`;
    const { code, out } = await doctor(tls + settings(at(host.port)), 'kvm-07');
    const words = out.split('\n').map((line) => line.trim().split(/\s+/).slice(0, 2).join(' '));
    expect(words.slice(1, 11)).toEqual([
      ...['ok settings', 'ok resolve', 'ok connect', 'ok tls', 'ok stomp', 'ok ping2'],
      ...['ok getCapabilities', 'ok getStats', 'ok getAllVmStats', 'ok heart-beat'],
    ]);
    expect(out).toMatch(/^kvm-07 {3}vdsm {3}127\.0\.0\.1:\d+ {3}cluster prod\n/);
    expect(out).toMatch(/our certificate is valid for [\d,]+ days/);
    expect(out).toMatch(/TLSv1\.3, agent certificate valid for \d+ days +\d+ ms/);
    expect(out).toContain('1 VM');
    expect(out).toContain('Nothing is wrong');
    expect(code).toBe(0);
    expect(agent.connections).toHaveLength(1);
    expect(agent.requests.map(({ method }) => method)).toEqual([
      ...['Host.ping2', 'Host.getCapabilities', 'Host.getStats', 'Host.getAllVmStats'],
    ]);
  });

  it('says at which step it fails, what is likely, and what to try', async () => {
    const server = createServer();
    const port = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    const { code, out } = await doctor(settings(at(port)), 'kvm-07');
    expect(out).toMatch(/FAIL {2}connect +refuses the connection \(ECONNREFUSED\)/);
    expect(out).toContain('skip  tls · stomp · ping2 · getCapabilities · getStats · getAllVmStats · heart-beat');
    expect(out).toMatch(/Likely +the host is there, but nothing listens on this port/);
    expect(out).toMatch(/Try +on the host: systemctl status vdsmd/);
    expect(out).toMatch(/1 of 1 hosts failed\n$/);
    expect(code).toBe(1);
  });

  it('a name that does not resolve, something else behind the port, and TLS where none is', async () => {
    const name = await doctor(settings('name: x, address: no-such-host.invalid'), 'x');
    expect(name.out).toMatch(/FAIL {2}resolve/);
    const port = await listen(createServer((socket) => socket.end('220 smtp.example.test ESMTP\r\n\r\n')));
    const smtp = await doctor(settings(at(port)), 'kvm-07');
    expect(smtp.out).toMatch(/FAIL {2}stomp +.*not STOMP/);
    const tls = `agents: { tls: { caFile: ${file('ca.pem')} } }\n`;
    const plain = await doctor(tls + settings(at(port)), 'kvm-07');
    expect(plain.out).toMatch(/FAIL {2}tls/);
    expect(plain.out).toMatch(/Likely +what listens there does not speak TLS/);
  });

  it('an agent that starts, and one that does not answer: the other steps are tried all the same', async () => {
    const { agent, host } = await agentOf();
    agent.methods.set('Host.getStats', () => {
      throw new AgentError(99);
    });
    agent.methods.set('Host.getCapabilities', () => hold);
    const { code, out } = await doctor(
      `${settings(at(host.port))}`.replace('poll: { ', 'poll: { capabilitiesDeadlineSeconds: 0.3, '),
      'kvm-07',
      '--json',
    );
    const { kind, items } = JSON.parse(out) as {
      kind: string;
      items: { failed: boolean; likely: string; steps: { step: string; outcome: string; code: string | null }[] }[];
    };
    expect([kind, code, items[0]?.failed]).toEqual(['DoctorReport', 1, true]);
    expect(items[0]?.steps.map(({ step, outcome, code: why }) => `${step} ${why ?? outcome}`)).toEqual([
      ...['settings ok', 'resolve ok', 'connect ok', 'tls skipped', 'stomp ok', 'ping2 ok'],
      ...['getCapabilities AGENT_TIMEOUT', 'getStats AGENT_RECOVERING', 'getAllVmStats ok', 'heart-beat ok'],
    ]);
    expect(items[0]?.likely).toContain('overloaded');
  });

  it('--all: one line per host, the failed ones first', async () => {
    const { host } = await agentOf();
    const { code, out } = await doctor(
      settings(`name: a, address: 127.0.0.1, port: ${host.port}`, 'name: b, address: no-such-host.invalid'),
      '--all',
    );
    expect(out.split('\n').map((line) => line.trim().split(/\s+/).slice(0, 3).join(' '))).toEqual([
      ...['FAIL b resolve:', expect.stringMatching(/^ok a \d+$/), '1 of 2', ''],
    ]);
    expect(code).toBe(1);
  });

  it.each([
    [[], 2, 'BAD_ARGUMENT'],
    [['a', '--all'], 2, 'BAD_ARGUMENT'],
    [['z'], 4, 'NOT_FOUND'],
  ])('%j is refused', async (argv, exit, error) => {
    const { code, err } = await doctor(settings('name: a, address: 127.0.0.1'), ...argv);
    expect([code, err.split(' ')[0]]).toEqual([exit, error]);
  });
});
