import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { rounded, shown } from './numbers.js';

export type Cell = string | number | null;
/** Figures by column. Numbers are rounded where they are shown or written, not before. */
export type Figures = Readonly<Record<string, Cell>>;

interface Table {
  readonly title: string;
  readonly rows: readonly Figures[];
}

/** What one run found: tables for people and the same figures as JSON, with what they were measured on. */
export class Report {
  readonly #bench: string;
  readonly #flags: object;
  readonly #loadBefore = loadavg()[0] ?? 0;
  readonly #tables: Table[] = [];
  #postgresql: string | null = null;

  constructor(bench: string, flags: object) {
    this.#bench = bench;
    this.#flags = flags;
  }

  set postgresql(version: string) {
    this.#postgresql = version;
  }

  /** Prints a table. All rows have the columns of the first one. */
  table(title: string, rows: readonly Figures[]): void {
    this.#tables.push({ title, rows });
    console.log(`\n${title}\n${text(rows)}`);
  }

  /** Prints where it was measured, and writes the file if one is wanted. */
  end(json: string | undefined): void {
    const { model, cores, memoryGiB, node, postgresql } = this.#machine();
    const loads = [this.#loadBefore, loadavg()[0] ?? 0];
    const date = new Date().toISOString();
    const database = postgresql === null ? '' : `, PostgreSQL ${postgresql}`;
    console.log(
      `\n${date} · ${cores} cores (${model}), ${memoryGiB} GiB · Node ${node}${database} · commit ${commit()} · ` +
        `load ${loads.map((load) => load.toFixed(1)).join(' → ')}`,
    );
    if (json === undefined) return;
    const content = {
      bench: this.#bench,
      date,
      machine: this.#machine(),
      commit: commit(),
      load: { before: rounded(loads[0] ?? 0), after: rounded(loads[1] ?? 0) },
      flags: this.#flags,
      tables: this.#tables.map(({ title, rows }) => ({ title, rows: rows.map(written) })),
    };
    writeFileSync(json, `${JSON.stringify(content, null, 2)}\n`);
  }

  #machine() {
    const all = cpus();
    return {
      model: all[0]?.model ?? 'unknown',
      cores: all.length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      platform: `${process.platform} ${process.arch}`,
      node: process.versions.node,
      postgresql: this.#postgresql,
    };
  }
}

function written(row: Figures): Figures {
  return Object.fromEntries(
    Object.entries(row).map(([name, cell]) => [name, typeof cell === 'number' ? rounded(cell) : cell]),
  );
}

function text(rows: readonly Figures[]): string {
  const names = Object.keys(rows[0] ?? {});
  const cells = [names, ...rows.map((row) => names.map((name) => cellText(row[name] ?? null)))];
  const widths = names.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  const isNumber = names.map((name) => rows.every((row) => typeof row[name] !== 'string'));
  return cells
    .map((line) =>
      line
        .map((cell, column) =>
          isNumber[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cellText(cell: Cell): string {
  if (cell === null) return '–';
  return typeof cell === 'number' ? shown(cell) : cell;
}

/** Of the code that was measured; a "+" marks changes that are not committed. */
function commit(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', '--', 'src', 'bench') === '' ? '' : '+'}`;
  } catch {
    return 'unknown';
  }
}
