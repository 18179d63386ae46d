/** What a rule says of itself. */
export interface RuleDoc {
  readonly name: string;
  /** The text of docs/rules.md. */
  readonly doc: string;
  /** Facts without which it is off. */
  readonly needs?: string | null;
}
