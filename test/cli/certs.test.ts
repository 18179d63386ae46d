import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { patient } from '../fetcher/support/calls.js';
import { onTheNetwork } from '../fetcher/vdsm/support/network.js';
import { Cli } from './harness.js';

const all = ['ca.pem', 'vurti.cer', 'vurti.key'];

it('certs init makes files that nobody else can read, and that agents and vurti accept of each other', async () => {
  const cli = new Cli();
  cli.service.time.now = () => Date.now();
  const { code, out } = await cli.run('certs', 'init', '--agent', 'kvm-07=127.0.0.1', 'kvm-08');
  expect(code).toBe(0);
  const agents = ['kvm-07', 'kvm-08'].flatMap((name) =>
    ['cacert.pem', 'vdsmcert.pem', 'vdsmkey.pem'].map((file) => `agents/${name}/${file}`),
  );
  expect(out.match(/^wrote (.*)$/gm)).toEqual([...all, ...agents].map((file) => `wrote pki/${file}`));
  expect(out).toContain('agents: { tls: { caFile: pki/ca.pem, certFile: pki/vurti.cer, keyFile: pki/vurti.key } }');
  const modes = [...all, ...agents].map((file) => statSync(join(cli.cwd, 'pki', file)).mode & 0o777);
  expect(new Set(modes)).toEqual(new Set([0o600]));
  const read = (file: string): string => readFileSync(join(cli.cwd, 'pki', file), 'utf8');
  const ca = read('ca.pem');
  const { fetcher, host } = await onTheNetwork(
    {
      ...{ cert: read('agents/kvm-07/vdsmcert.pem'), key: read('agents/kvm-07/vdsmkey.pem'), ca },
      ...{ requestCert: true, rejectUnauthorized: true },
    },
    { ca, cert: read('vurti.cer'), key: read('vurti.key'), checkHostName: true },
  );
  expect(await fetcher.getStats(host, patient())).toBeDefined();
});

it('it overwrites nothing, and then writes nothing either', async () => {
  const cli = new Cli();
  await cli.run('certs', 'init', 'here', '-q');
  const before = readFileSync(join(cli.cwd, 'here', 'vurti.key'), 'utf8');
  const { code, err } = await cli.run('certs', 'init', 'here', '--agent', 'kvm-07');
  expect([code, err]).toEqual([1, expect.stringMatching(/^ALREADY_EXISTS .*ca\.pem is there already/)]);
  expect(readdirSync(join(cli.cwd, 'here'))).toEqual(all);
  expect(readFileSync(join(cli.cwd, 'here', 'vurti.key'), 'utf8')).toBe(before);
});

it.each(['../etc', 'a/b', '', 'a=b=c', '.hidden'])('an agent named %j is refused', async (name) => {
  const { code, err } = await new Cli().run('certs', 'init', '--agent', name);
  expect([code, err]).toEqual([2, expect.stringContaining('BAD_ARGUMENT')]);
});
