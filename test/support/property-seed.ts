import fc from 'fast-check';

/**
 * `npm test` draws the same inputs every time: what lands is judged by what it changes, not by luck. `npm run soak` draws
 * others each time, and many more; VURTI_SEED repeats or varies either.
 */
const FIXED_SEED = 20_261_121;

const given = process.env['VURTI_SEED'];
if (given !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(given) });
else if (process.env['VURTI_SOAK'] !== '1') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: FIXED_SEED });
