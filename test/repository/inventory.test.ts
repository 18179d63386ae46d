import { describe, expect, it } from 'vitest';
import {
  type Cluster,
  type ClusterNetwork,
  clusterFields,
  clusterNetworkFields,
  initialRow,
} from '../../src/model/index.js';
import { Inventory } from '../../src/repository/index.js';

const cluster = (id: string, name: string): Cluster => ({ ...initialRow(clusterFields), id, name });
const network = (clusterId: string, name: string): ClusterNetwork => ({
  ...initialRow(clusterNetworkFields),
  clusterId,
  name,
});

describe('Inventory', () => {
  it('finds clusters by id and by name', () => {
    const inventory = new Inventory();
    inventory.putCluster(cluster('c1', 'prod'));
    expect([inventory.cluster('c1')?.name, inventory.find('c1')?.name, inventory.find('prod')?.id]).toEqual([
      'prod',
      'prod',
      'c1',
    ]);
    expect([inventory.cluster('prod'), inventory.find('nobody'), inventory.find('')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('forgets the old name of a cluster that was renamed', () => {
    const inventory = new Inventory();
    inventory.putCluster(cluster('c1', 'prod'));
    inventory.putCluster(cluster('c1', 'production'));
    expect([inventory.find('prod'), inventory.find('production')?.id]).toEqual([undefined, 'c1']);
    expect([...inventory.clusters()]).toHaveLength(1);
  });

  it('prefers an id to a name', () => {
    const inventory = new Inventory();
    inventory.putCluster(cluster('c1', 'c2'));
    inventory.putCluster(cluster('c2', 'other'));
    expect(inventory.find('c2')?.id).toBe('c2');
  });

  it('keeps the networks of a cluster as they were said last', () => {
    const inventory = new Inventory();
    expect(inventory.networks('c1').size).toBe(0);
    inventory.putNetworks('c1', [network('c1', 'mgmt'), network('c1', 'storage')]);
    inventory.putNetworks('c2', [network('c2', 'mgmt')]);
    inventory.putNetworks('c1', [network('c1', 'storage')]);
    expect([...inventory.networks('c1').keys()]).toEqual(['storage']);
    expect([...inventory.networks('c2').keys()]).toEqual(['mgmt']);
  });

  it('manages no VMs unless it is told so: an unknown VM is then no foreign one (D26)', () => {
    expect(new Inventory().managesVms).toBe(false);
  });
});
