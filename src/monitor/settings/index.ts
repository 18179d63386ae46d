export { closest } from './closest.js';
export { type AgentAccess, agentAccess, coreSettings } from './core.js';
export { settingsDocument } from './document.js';
export type { Assignment } from './environment.js';
export { isLoopback, type ListenAddress, parseListen } from './listen.js';
export { type LoadedSettings, loadSettings, type Origin, type SettingsSources } from './load.js';
export { problemLine, SettingsError, type SettingsProblem } from './problem.js';
export { hostEntry, type Settings, type SettingsInput } from './schema.js';
export { type ShownSetting, shownSettings, shownTree } from './show.js';
