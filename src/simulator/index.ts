export { Fleet, type FleetOptions, type VmFacts } from './fleet.js';
export type { HostHandle, VmHandle } from './handles.js';
export type { Happening } from './happening.js';
export { type FaultKind, type FaultPreset, faultKinds, parseFaults, type Rates } from './rates.js';
export {
  type Bind,
  type ClientFrame,
  type SimulatedEndpoint,
  SimulatorServer,
  type SimulatorServerOptions,
} from './server.js';
export { type ClientTlsFiles, type Simulation, type SimulationOptions, startSimulation } from './simulation.js';
export type { WireFigures } from './stomp/figures.js';
export { LabCa } from './stomp/lab-ca.js';
export type { DownDomains } from './world.js';
