import { spawnSync } from 'node:child_process';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import type { Io } from '../../src/cli/io.js';
import { manPage } from '../../src/cli/man.js';
import { program } from '../../src/cli/program.js';

// Building the tree touches nothing outside.
const root = program({} as Io);
const page = manPage(root, '1.2.3');

function all(command: Command): Command[] {
  return command.commands.flatMap((one) => [one, ...all(one)]);
}

describe('the manual page', () => {
  it('has every command and every flag', () => {
    const plain = page.replaceAll('\\-', '-');
    for (const command of all(root)) {
      expect(plain).toContain(`vurti ${command.parent === root ? '' : `${command.parent?.name()} `}${command.name()} `);
      for (const { flags } of command.options) expect(plain).toContain(`\\fB${flags}\\fR`);
    }
  });

  it('is plain ASCII, with no line that roff would take for a request of ours', () => {
    expect(page).toMatch(/^[\n -~]*$/);
    const requests = page.match(/^[.'].*/gm) ?? [];
    for (const request of requests) expect(request).toMatch(/^\.(\\"|(TH|SH|SS|TP|PP|nf|fi|RS|RE|B|RI)\b)/);
  });

  it('groff has nothing to complain about', () => {
    if (spawnSync('groff', ['--version']).status !== 0) {
      console.warn('groff is not on PATH: the manual page is not set');
      return;
    }
    const set = spawnSync('groff', ['-ww', '-b', '-man', '-Tutf8'], { input: page, encoding: 'utf8' });
    expect([set.status, set.stderr]).toEqual([0, '']);
    expect(set.stdout).toContain('explain');
    expect(set.stdout).toMatch(/1,000 events/);
  });
});
