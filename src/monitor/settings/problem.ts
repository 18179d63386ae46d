import { type ErrorCode, VurtiError } from '../../kernel/index.js';

export type SettingPath = readonly (string | number)[];

/** "poll.intervalSeconds", "inventory.hosts[2].name". */
export function pathText(path: SettingPath): string {
  return path.map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i === 0 ? '' : '.'}${part}`)).join('');
}

/** One thing that is wrong with the settings. All of them are found in one go, so that they can be mended in one go. */
export interface SettingsProblem {
  readonly code: ErrorCode;
  /** "vurti.yaml:17:9", "VURTI_POLL_INTERVAL_SECONDS", "--listen"; empty when the settings come from code. */
  readonly where: string;
  readonly message: string;
}

function problemLine(problem: SettingsProblem): string {
  return problem.where === '' ? problem.message : `${problem.where}  ${problem.message}`;
}

/** Carries the code of the first problem and the text of all. */
export class SettingsError extends VurtiError {
  readonly problems: readonly SettingsProblem[];

  constructor(problems: readonly SettingsProblem[]) {
    const first = problems[0] ?? { code: 'CONFIG_INVALID', where: '', message: 'The settings are wrong' };
    super(first.code, problems.map(problemLine).join('\n'), { details: { problems } });
    this.problems = problems;
  }
}
