import type { VurtiError } from '../../kernel/index.js';
import { SettingsError } from '../../monitor/settings/index.js';

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** The schema of it is `problem` in schema/service.ts. */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly retryable: boolean;
  readonly hint: string;
  readonly problems?: SettingsError['problems'] | undefined;
}

/** RFC 9457; docs/errors.md has every code. What went wrong inside stays inside: it is logged, not told. */
export function problemOf(error: VurtiError, status: number = error.entry.http): ProblemBody {
  const { title, retryable } = error.entry;
  return {
    type: `urn:vurti:error:${error.code}`,
    title,
    status,
    code: error.code,
    detail: error.code === 'INTERNAL' ? 'The request failed inside vurti; its log says more.' : error.message,
    retryable,
    hint: error.hint,
    ...(error instanceof SettingsError ? { problems: error.problems } : {}),
  };
}
