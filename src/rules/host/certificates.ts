import type { Row } from '../row.js';
import type { HostCase } from './case.js';
import type { HostDraft } from './draft.js';

const DAY_MS = 86_400_000;

/** Days of validity left, whole; negative: it is over. */
export function daysLeft(expiresAt: number, now: number): number {
  return Math.floor((expiresAt - now) / DAY_MS);
}

/** How the end of a certificate reads in a message. */
export const certificateParams = (expiresAt: number, now: number): { Days: string; Date: string } => ({
  Days: String(Math.max(0, daysLeft(expiresAt, now))),
  Date: new Date(expiresAt).toISOString().slice(0, 10),
});

/** Its end is near, and nobody was told; null: it is not. Warned of once, and once more when it is over. */
function due({ liveness, general, now }: HostCase): { expiresAt: number; over: boolean } | null {
  const { certificateExpiresAt: expiresAt, certificateWarnedOf: warnedOf } = liveness;
  if (expiresAt === null) return null;
  const over = expiresAt <= now;
  if (!over && daysLeft(expiresAt, now) >= general.certificates.warnDays) return null;
  return warnedOf === (over ? -expiresAt : expiresAt) ? null : { expiresAt, over };
}

/** Looked at when a connection is made, and with every answer of statistics: connections last longer than warnings. */
export const certificateEffects: readonly Row<HostCase, HostDraft>[] = [
  {
    name: 'host.certificate.expiring',
    doc: 'The agent’s certificate ends within agents.tls.warnDaysBeforeExpiry: said once per certificate.',
    when: (c) => due(c)?.over === false,
    then: (c, draft) => {
      const expiresAt = due(c)?.expiresAt ?? 0;
      draft.event('VDS_CERTIFICATE_EXPIRING', certificateParams(expiresAt, c.now));
      draft.live({ certificateWarnedOf: expiresAt });
    },
  },
  {
    name: 'host.certificate.expired',
    doc: 'The agent’s certificate is over; a connection made before may still stand.',
    when: (c) => due(c)?.over === true,
    then: (c, draft) => {
      const expiresAt = due(c)?.expiresAt ?? 0;
      draft.event('VDS_CERTIFICATE_EXPIRED', certificateParams(expiresAt, c.now));
      draft.live({ certificateWarnedOf: -expiresAt });
    },
  },
];
