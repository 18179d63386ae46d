export { metricsDocument } from './document.js';
export type { SeriesSettings } from './entity-series.js';
export { OwnMetrics } from './own-metrics.js';
export { Scrape } from './scrape.js';
