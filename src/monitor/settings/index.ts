export { closest } from './closest.js';
export { agentAccess, coreSettings } from './core.js';
export { settingsDocument } from './document.js';
export type { Assignment } from './environment.js';
export { type ListenAddress, parseListen } from './listen.js';
export { type LoadedSettings, loadSettings, type SettingsSources } from './load.js';
export { SettingsError, type SettingsProblem } from './problem.js';
export { hostEntry } from './schema.js';
export { shownSettings, shownTree } from './show.js';
