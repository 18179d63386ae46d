export type { AgentAnswer } from './agent.js';
export type { DomainStatus, PauseCode } from './domain.js';
export { Fleet, type FleetCount, type FleetOptions, type HostFacts, type VmFacts } from './fleet.js';
export type { CrashReason, HostHandle, MigrateOptions, VmHandle } from './handles.js';
export type { Cause, Happening, HappeningKind, HappeningListener } from './happening.js';
export type { ClusterShare } from './population.js';
export {
  type FaultKind,
  type FaultPreset,
  faultKinds,
  faultPresets,
  type LifeKind,
  type LifePreset,
  lifeKinds,
  parseFaults,
  type Rates,
} from './rates.js';
export { type Bind, type SimulatedEndpoint, SimulatorServer, type SimulatorServerOptions } from './server.js';
export type { Condition, ConditionKind } from './sim-host.js';
export { type Simulation, type SimulationOptions, startSimulation } from './simulation.js';
export type { DownDomains } from './world.js';
