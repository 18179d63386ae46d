import { z } from 'zod';
import type { ClusterSpec, VmSpec } from '../../model/index.js';
import { doc, whole } from './describe.js';

/** Clusters and VMs as the settings and the API give them. What is left out is not known: rules that need it are off. */

const text = (max: number): z.ZodString =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}]+$/u, 'must be text without control characters');
const names = z.array(text(255)).max(10_000);
const mostMemoryMb = 2 ** 40;

const network = z.strictObject({
  name: doc(text(255), 'Name of the logical network.'),
  required: doc(z.boolean(), 'Whether a host without it may not run VMs. Default: false.').optional(),
  vmNetwork: doc(z.boolean(), 'Whether it is bridged for VMs. Default: false.').optional(),
  display: doc(z.boolean(), 'Whether consoles use it. Default: false.').optional(),
  status: doc(z.enum(['OPERATIONAL', 'NON_OPERATIONAL']), 'Default: OPERATIONAL.').optional(),
});

export const clusterEntry = z.strictObject({
  name: doc(text(255), 'Name shown to people.'),
  id: doc(text(100), 'Id that never changes. Default: the name.').optional(),
  compatibilityVersion: doc(text(20), 'Level that its hosts must support, such as 4.7.').optional(),
  cpuName: doc(text(255), 'CPU type, for people.').optional(),
  cpuFlags: doc(names, 'CPU flags that its hosts must have.').optional(),
  architecture: doc(text(40), 'CPU architecture.').optional(),
  emulatedMachine: doc(text(255), 'Machine type that its hosts must offer.').optional(),
  additionalRngSources: doc(names, 'Sources of random numbers that its hosts must offer.').optional(),
  requiredFeatures: doc(names, 'Additional features that its hosts must offer.').optional(),
  migrateOnError: doc(
    z.enum(['NO', 'YES', 'HA_ONLY']),
    'Which VMs are advised to be moved away from a host that becomes NonOperational. Default: YES.',
  ).optional(),
  memThreshold: whole(
    0,
    mostMemoryMb,
    'Memory usage of a host that is reported: per cent used, or MiB free.',
  ).optional(),
  memThresholdType: doc(z.enum(['PERCENTAGE', 'ABSOLUTE']), 'Unit of memThreshold. Default: PERCENTAGE.').optional(),
  ballooning: doc(z.boolean(), 'Whether balloons are used. Default: false.').optional(),
  gluster: doc(z.boolean(), 'Whether its hosts serve gluster. Default: false.').optional(),
  upgradeMode: doc(
    z.boolean(),
    'Whether it is being upgraded, so that host systems may differ. Default: false.',
  ).optional(),
  fencingEnabled: doc(z.boolean(), 'Whether fencing of its hosts may be advised. Default: true.').optional(),
  networks: doc(z.array(network).max(10_000), 'Logical networks of the cluster.').optional(),
});

const nic = z.strictObject({
  mac: doc(text(60), 'Address by which agents report it.'),
  name: doc(text(255).nullable(), 'Name shown to people.').default(null),
  profile: doc(text(255).nullable(), 'vNIC profile; null = without.').default(null),
  speedMbps: doc(z.int().min(0).nullable(), 'Nominal speed.').default(null),
});
const disk = z.strictObject({
  imageId: doc(text(100), 'Image by which agents report it.'),
  lunId: doc(text(255).nullable(), 'LUN, of a direct LUN.').default(null),
  alias: doc(text(255).nullable(), 'Name shown to people.').default(null),
});

export const vmEntry = z.strictObject({
  id: doc(text(100), 'Id by which agents report it.'),
  name: doc(text(255), 'Name shown to people.'),
  cluster: doc(text(255), 'Id or name of its cluster.').optional(),
  ha: doc(z.boolean(), 'Whether it is highly available.').optional(),
  priority: whole(0, 1000, 'Order of restarts; higher comes first.').optional(),
  lease: doc(z.boolean(), 'Whether a storage lease keeps it from running twice.').optional(),
  vcpus: whole(1, 100_000, 'Virtual CPUs.').optional(),
  memoryMb: whole(0, mostMemoryMb, 'Memory, MiB.').optional(),
  minMemoryMb: whole(0, mostMemoryMb, 'Guaranteed memory, MiB.').optional(),
  nics: doc(z.array(nic).max(1000), 'Its nics by mac.').optional(),
  disks: doc(z.array(disk).max(1000), 'Its disks by image.').optional(),
});

/** A receiver of events, in `sinks`. */
export const sinkEntry = z.strictObject({
  name: doc(
    z.string().regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, 'must be lower-case letters, digits, - and _'),
    'Name shown to people; its place in the log is kept under it.',
  ),
  type: doc(z.enum(['webhook']), 'webhook: an HTTP POST for each event, docs/webhooks.md.'),
  url: doc(
    z.string().regex(/^https?:\/\/[^/@\s]+([/?]\S*)?$/, 'must be an http or https address without user and password'),
    'Where to. Redirects are not followed.',
    { secret: true },
  ),
  secretFile: doc(
    z.string().min(1),
    'File with the secret that signs what is sent, 16 characters or more. Without: unsigned.',
    {
      path: true,
    },
  ).optional(),
  severity: doc(z.enum(['normal', 'warning', 'error', 'alert']), 'Events of this severity and worse.').default('error'),
});

/** An optional member that is absent, instead of one that is undefined. */
type Given<T> = { [K in keyof T]: Exclude<T[K], undefined> };
const given = <T extends object>(entry: T): Given<T> =>
  Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined)) as Given<T>;

export const clusterSpec = (entry: z.output<typeof clusterEntry>): ClusterSpec => given(entry) as ClusterSpec;
export const vmSpec = (entry: z.output<typeof vmEntry>): VmSpec => given(entry) as VmSpec;
