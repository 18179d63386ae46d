import { ownMetrics } from './catalogue.js';
import { countFamilies, hostSeries, vmSeries } from './entity-series.js';
import type { Family } from './exposition.js';
import { buildInfo, serviceGauges } from './service-series.js';

type Line = readonly [name: string, type: string, labels: string, help: string];

function table(lines: readonly Line[]): string {
  const rows = lines.map(([name, type, labels, help]) => `| \`${name}\` | ${type} | ${labels} | ${help} |`);
  return ['| metric | type | labels | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

/** docs/metrics.md */
export function metricsDocument(generated: string): string {
  const gauge =
    (labels: string) =>
    ({ name, type = 'gauge', help }: Family): Line => [name, type, labels, help];
  const hosts = hostSeries.map((s) =>
    gauge(s.name === 'vurti_host_info' ? 'host, name, cluster, address, version' : 'host')(s),
  );
  const vmLabels: Readonly<Record<string, string>> = {
    vurti_vm_info: 'vm, name, cluster, host, ha',
    vurti_vm_pause_info: 'vm, code, error',
  };
  const vms = vmSeries({ perVm: true, statusSeries: 'code' }).map((s) => gauge(vmLabels[s.name] ?? 'vm')(s));
  const own = Object.entries(ownMetrics).map(
    ([name, { type, labels = [], help }]): Line => [name, type, labels.join(', '), help],
  );
  return `# Metrics

${generated}

\`GET /metrics\` on the address of the API, in the text format of Prometheus. What is not known has no sample: it is never 0.
A host's and a VM's own series bear only its id; name, cluster and host stand in an \`_info\` series, to be joined:

\`\`\`
vurti_vm_status * on (vm) group_left (name, host) vurti_vm_info
\`\`\`

\`metrics.perVm: false\` leaves out the series of single VMs; the counts stay. \`metrics.statusSeries: enum\` gives
\`vurti_vm_status{vm,status}\` with 0 and 1 for each of the 17 statuses instead of oVirt's number. Alert rules are in
\`deploy/prometheus/\`, explained in docs/alerts.md.

## Hosts

${table([gauge('cluster, status')(countFamilies.hosts), gauge('freshness')(countFamilies.hostFreshness), ...hosts])}

## VMs

${table([gauge('cluster, status')(countFamilies.vms), gauge('freshness')(countFamilies.freshness), ...vms])}

## The service itself

${table([gauge('version, mode')(buildInfo), ...serviceGauges.map(gauge('')), ...own])}

Also the figures of the process (\`process_…\`, \`nodejs_…\`), among them the delay of its event loop.
`;
}
