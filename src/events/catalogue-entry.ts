/** Severities with oVirt's numbers (AuditLogSeverity). */
export const severityIds = { NORMAL: 0, WARNING: 1, ERROR: 2, ALERT: 10 } as const;
export type Severity = keyof typeof severityIds;

export interface CatalogueEntry {
  /** oVirt's id (AuditLogType); ours begin at 20000. */
  readonly id: number;
  readonly severity: Severity;
  /** The same event of the same entity is held back for this long; 0 = never. */
  readonly floodSeconds: number;
  readonly about: 'host' | 'vm' | 'service';
  /** Names of the parameters that the message uses. */
  readonly params: readonly string[];
  /** Message, read after the name of the entity; {Name} is a parameter, {host} and {vm} are always there. */
  readonly text: string;
  /** When it is raised, one line for docs/events.md. */
  readonly doc: string;
}

type Maker = (id: number, severity: Severity, floodSeconds: number, text: string, doc: string) => CatalogueEntry;

export const about =
  (kind: CatalogueEntry['about']): Maker =>
  (id, severity, floodSeconds, text, doc) => ({
    id,
    severity,
    floodSeconds,
    about: kind,
    params: [...text.matchAll(/\{(?!host\}|vm\})(\w+)\}/g)].map((match) => match[1] as string),
    text,
    doc,
  });
