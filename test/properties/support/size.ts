const soak = process.env['VURTI_SOAK'] === '1';

/** Histories in all; VURTI_HISTORIES asks for more or fewer. A property takes its share of them. */
const TOTAL = Number(process.env['VURTI_HISTORIES'] ?? (soak ? 100_000 : 500));

export const runs = (share: number): number => Math.max(1, Math.round(TOTAL * share));

/** Real time for them; a busy machine needs ten times what an idle one does. */
export const TIMEOUT = 300_000 + TOTAL * 1000;
