/**
 * What the rules want to know or have done; only the push-adapter talks to agents. Requests of one host with the same
 * method are coalesced while one waits; the answer comes back as evidence. A request may be dropped when the host is
 * gone or silent: a rule that still needs it asks again at the next report.
 */
export type AgentRequest = {
  readonly host: string;
  /** Name of the rule that asks. */
  readonly reason: string;
} & (
  | { readonly method: 'Host.getStats' | 'Host.getAllVmStats' | 'Host.getCapabilities' | 'Host.getHardwareInfo' }
  | { readonly method: 'Host.dumpxmls'; readonly vmIds: readonly string[] }
);
