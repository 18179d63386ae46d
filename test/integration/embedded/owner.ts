// A process that owns an embedded PostgreSQL, for tests that kill it. Says in lines of JSON how it goes; stops the
// server when its stdin ends, and must then exit by itself.
import { once } from 'node:events';
import { RealTime, silentTelemetry, type VurtiError } from '../../../src/kernel/index.js';
import { EmbeddedPostgres } from '../../../src/store/embedded/index.js';

const [dataDir = '', settings = '{}'] = process.argv.slice(2);
const time = new RealTime();
const say = (what: object): void => console.log(JSON.stringify(what));

try {
  const database = await EmbeddedPostgres.start({
    dataDir,
    clock: time,
    scheduler: time,
    telemetry: silentTelemetry,
    settings: JSON.parse(settings) as Record<string, string>,
  });
  say({ pid: database.pid, url: database.url, adopted: database.adopted });
  await once(process.stdin.resume(), 'end');
  await database.stop();
  say({ stopped: true, timers: [...time.waiting().keys()] });
} catch (error) {
  const { code, message, hint } = error as VurtiError;
  say({ error: { code, message, hint } });
  process.stdin.destroy();
}
