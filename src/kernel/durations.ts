/** Durations are milliseconds everywhere inside; these make the unit visible where one is written down. */
export const seconds = (n: number): number => n * 1000;
export const minutes = (n: number): number => n * 60_000;
export const hours = (n: number): number => n * 3_600_000;
