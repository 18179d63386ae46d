import { type ClusterKnows, capabilityChecks, knowsNetworks } from './capability-checks.js';

/** A rule that is off while a fact of the cluster is not known. */
export interface ClusterNeed {
  readonly rule: string;
  /** The fact. */
  readonly needs: string;
  readonly known: ClusterKnows;
}

/** They do not guess (principle 3); `vurti status -v` names them with the clusters where they are off. */
export const clusterNeeds: readonly ClusterNeed[] = [
  ...capabilityChecks.flatMap(({ name, needs, clusterKnows }) =>
    needs === null || clusterKnows === undefined ? [] : [{ rule: name, needs, known: clusterKnows }],
  ),
  { rule: 'host.nic-down', needs: 'networks of the cluster', known: knowsNetworks },
  // Of what nobody can tell us yet: these parts of oVirt's rules are off for everybody, and say so.
  { rule: 'host.nic-down by labels', needs: 'labels of nics and networks', known: () => false },
  {
    rule: 'version of the engine',
    needs: 'the version of an engine that the agent should support',
    known: () => false,
  },
];
