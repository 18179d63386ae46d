import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { found } from './program.js';

const folder = new URL('../../../deploy/prometheus/', import.meta.url);
const rules = readFileSync(new URL('vurti.rules.yml', folder), 'utf8');
const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map((match) => match[1] as string);

it('every alert has a sample that makes it fire, and a chapter in docs/alerts.md', () => {
  const samples = readFileSync(new URL('vurti.rules.test.yml', folder), 'utf8');
  const book = readFileSync(new URL('../../../docs/alerts.md', import.meta.url), 'utf8');
  expect(alerts.length).toBeGreaterThan(5);
  for (const alert of alerts) {
    expect(samples).toMatch(new RegExp(`alertname: ${alert}\\n\\s+exp_alerts:\\n\\s+- exp_labels`));
    expect(book).toContain(`## ${alert}\n`);
    expect(rules).toContain(`docs/alerts.md#${alert.toLowerCase()}`);
  }
});

it.runIf(found('promtool'))('promtool accepts the rules and their samples', () => {
  const run = (...args: string[]) => spawnSync('promtool', args, { cwd: folder, encoding: 'utf8' });
  for (const args of [
    ['check', 'rules', 'vurti.rules.yml'],
    ['check', 'config', 'prometheus.yml'],
    ['test', 'rules', 'vurti.rules.test.yml'],
  ]) {
    const { status, stdout, stderr } = run(...args);
    expect([status, status === 0 ? '' : stdout + stderr]).toEqual([0, '']);
  }
});
