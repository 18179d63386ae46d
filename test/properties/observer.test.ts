import { it } from 'vitest';
import { allLawsHold } from './support/all-laws-hold.js';
import { TIMEOUT } from './support/size.js';

it('every law holds in every history of an observer', () => allLawsHold('observer'), TIMEOUT);
