export { metricsDocument } from './document.js';
export { entitySeries, type SeriesSettings } from './entity-series.js';
export { OwnMetrics } from './own-metrics.js';
export { serviceSeries } from './service-series.js';
