import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConformanceCase } from './harness/case.js';
import { type CaseResult, runCase } from './harness/run.js';

const usage = `Usage: npm run conformance -- [FILES or FOLDERS] [--json OUT]

  npm run conformance                              all cases of the repository
  npm run conformance -- cases/vm.json             one file
  npm run conformance -- folder --json out.json    a folder, results as JSON`;

/** Not cases, but the list of words they use. */
const notCases = new Set(['vocabulary.json']);

function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => name.endsWith('.json') && !notCases.has(name))
    .sort()
    .map((name) => join(path, name));
}

function casesOf(path: string): ConformanceCase[] {
  const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
  const list: unknown[] = Array.isArray(content) ? content : [content];
  return list.filter((c): c is ConformanceCase => typeof c === 'object' && c !== null && 'id' in c && 'area' in c);
}

async function main(args: string[]): Promise<number> {
  if (args.includes('--help')) {
    console.log(usage);
    return 0;
  }
  const at = args.indexOf('--json');
  const out = at < 0 ? undefined : args[at + 1];
  const paths = args.filter((_, i) => at < 0 || (i !== at && i !== at + 1));
  const own = fileURLToPath(new URL('../../../test/conformance/cases', import.meta.url));
  const cases = (paths.length > 0 ? paths : [own]).flatMap(filesOf).flatMap(casesOf);
  const results: CaseResult[] = [];
  for (const c of cases) {
    const result = await runCase(c);
    results.push(result);
    if (result.pass) continue;
    console.log(`FAILED ${c.id} [${c.area}] ${c.title}`);
    for (const failure of result.failures) console.log(`  ${failure}`);
  }
  if (out !== undefined) {
    writeFileSync(
      out,
      `${JSON.stringify(
        results.map(({ id, area, pass, failures }) => ({ id, area, pass, failures })),
        null,
        2,
      )}\n`,
    );
  }
  const passed = results.filter((result) => result.pass).length;
  console.log(`${passed} passed, ${results.length - passed} failed`);
  return passed === results.length ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
