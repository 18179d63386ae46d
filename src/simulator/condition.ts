/** How an agent behaves towards its callers. The VMs of its host run on, whatever it is. */
export type Condition =
  | { readonly kind: 'ok' }
  /** Accepts connections and answers nothing. */
  | { readonly kind: 'hang' }
  /** Its port is closed. */
  | { readonly kind: 'refuse' }
  /** Answers what is no answer. */
  | { readonly kind: 'garbage' }
  /** Breaks the connection in the middle of the body. */
  | { readonly kind: 'cut' }
  /** Sends the body byte by byte. */
  | { readonly kind: 'loris' }
  /** Sends half of an answer, and nothing any more. */
  | { readonly kind: 'stall' }
  /** Says another length than that of the body. */
  | { readonly kind: 'length' }
  /** Takes every connection, and closes it soon: its callers come again and again. */
  | { readonly kind: 'drop' }
  /** Shows a certificate that has expired, where it speaks TLS. */
  | { readonly kind: 'expired' }
  /** Answers well, but late. */
  | { readonly kind: 'slow'; readonly delayMs: number }
  /** Answers every call with an error; 99 = re-adopts its VMs after a restart. */
  | { readonly kind: 'error'; readonly code: number; readonly message: string };

/** What happens once to the connections that an agent has now. */
export interface Disturbance {
  readonly kind: 'disconnect';
  /** Bytes that still go out on each of them; 0 = at once. */
  readonly afterBytes: number;
}

export const healthy: Condition = { kind: 'ok' };
export const recovering: Condition = { kind: 'error', code: 99, message: 'Recovering from crash or Initializing' };
