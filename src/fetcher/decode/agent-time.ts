const FORM = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)? ?(?:GMT|UTC|Z)?$/;

/** The agent's "2026-11-20T20:39:11 GMT" (nearly ISO 8601) as ms since the epoch; undefined if it is something else. */
export function parseAgentTime(text: string): number | undefined {
  const match = FORM.exec(text.trim());
  const ms = match === null ? Number.NaN : Date.parse(`${match[1]}T${match[2]}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}

/** Ms since the epoch in the agent's form, without fractions of a second. */
export function agentTimeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)} GMT`;
}
