import { spawnSync } from 'node:child_process';

/** Whether a program is on PATH. Debian's package `prometheus` brings both that are asked for here. */
export function found(program: 'prometheus' | 'promtool'): boolean {
  const there = spawnSync(program, ['--version']).status === 0;
  if (!there) console.warn(`${program} is not on PATH: its tests are left out`);
  return there;
}
