import { type SettingInfo, settingCatalogue } from './catalogue.js';
import { closest } from './closest.js';
import { coerce } from './coerce.js';
import type { SettingPath, SettingsProblem } from './problem.js';
import type { Environment } from './yaml-file.js';

/** poll.intervalSeconds → VURTI_POLL_INTERVAL_SECONDS; maxAnswerMiB → …_MAX_ANSWER_MIB. */
export function variableOf(name: string): string {
  const words = name.replaceAll('MiB', 'Mib').replace(/([a-z\d])([A-Z])/g, '$1_$2');
  return `VURTI_${words.replaceAll('.', '_').toUpperCase()}`;
}

/** Whether a variable can hold it: one value or a list of text, under a name that is known beforehand. */
export function hasVariable(info: SettingInfo): boolean {
  return !/[*[]/.test(info.name) && info.type !== 'group' && info.typeText !== 'list of groups';
}

const byVariable: ReadonlyMap<string, SettingInfo> = new Map(
  settingCatalogue
    .leaves()
    .filter(hasVariable)
    .map((info) => [variableOf(info.name), info]),
);

/** Kubernetes sets these for every service whose name begins with "vurti": not a user's mistake. */
const setByKubernetes = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)$/;

export interface Assignment {
  readonly path: SettingPath;
  readonly value: unknown;
  /** The variable or the flag. */
  readonly where: string;
}

export function fromEnvironment(env: Environment): { assignments: Assignment[]; problems: SettingsProblem[] } {
  const assignments: Assignment[] = [];
  const problems: SettingsProblem[] = [];
  const shared = env['DATABASE_URL'];
  if (shared !== undefined && shared !== '') {
    assignments.push({ path: ['database', 'url'], value: shared, where: 'DATABASE_URL' });
  }
  const groups = new Set(
    [...byVariable.values()]
      .map((info) => info.name.split('.'))
      .filter((p) => p.length > 1)
      .map(([g]) => `${variableOf(g ?? '')}_`),
  );
  for (const [variable, text] of Object.entries(env)) {
    if (text === undefined || text === '' || !variable.startsWith('VURTI_')) continue;
    const info = byVariable.get(variable);
    if (info !== undefined) {
      assignments.push({ path: info.name.split('.'), value: coerce(text, info), where: variable });
    } else if ([...groups].some((group) => variable.startsWith(group)) && !setByKubernetes.test(variable)) {
      const meant = closest(variable, byVariable.keys());
      problems.push({
        code: 'CONFIG_UNKNOWN_KEY',
        where: variable,
        message: `is not a setting.${meant === undefined ? '' : ` Did you mean ${meant}?`}`,
      });
    }
  }
  return { assignments, problems };
}
