/** Where the database is. */
export interface PostgresConnection {
  /** Name, address or directory of the Unix socket. */
  readonly host: string;
  readonly port?: number;
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
  readonly ssl?: boolean | { readonly ca?: string; readonly cert?: string; readonly key?: string };
}
