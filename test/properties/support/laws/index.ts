import type { Law } from '../world.js';
import { EventsHaveGrounds } from './events-have-grounds.js';
import { FreshnessAges } from './freshness-ages.js';
import { IntentsHold } from './intents-hold.js';
import { OneOwner } from './one-owner.js';
import { RecordsRebuild } from './records-rebuild.js';
import { RepeatedReports } from './repeated-reports.js';

/** All laws that one history can show; that of order needs several (order.test.ts). Those that let time pass come last. */
export const allLaws = (): Law[] => [
  new RecordsRebuild(),
  new EventsHaveGrounds(),
  new FreshnessAges(),
  new IntentsHold(),
  new RepeatedReports(),
  new OneOwner(),
];
