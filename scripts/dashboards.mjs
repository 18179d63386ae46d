// The dashboards of deploy/grafana, written by npm run docs. An expression that names a metric or a label that vurti does
// not have fails test/server/metrics/dashboards.test.ts.

const source = { type: 'prometheus', uid: '$datasource' };
const WIDTH = 24;

const query = (expr, legend = '', more = {}) => ({ expr, legendFormat: legend, datasource: source, ...more });
const instant = (expr, legend) => query(expr, legend, { instant: true, format: 'table' });

function panel(type, title, description, size, targets, { unit, options = {}, custom = {}, steps, ...more } = {}) {
  const thresholds = steps === undefined ? {} : { thresholds: { mode: 'absolute', steps } };
  const defaults = { ...(unit === undefined ? {} : { unit }), custom, ...thresholds };
  return {
    ...{ type, title, description, size, datasource: source, options, ...more },
    fieldConfig: { defaults, overrides: [] },
    targets: targets.map((target, i) => ({ refId: String.fromCharCode(65 + i), ...target })),
  };
}

const graph = (title, description, unit, targets, width = 12) =>
  panel('timeseries', title, description, [width, 8], targets, {
    unit,
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    custom: { fillOpacity: 8, lineWidth: 1, spanNulls: false },
  });
const stacked = (title, description, targets, width = 12) => {
  const made = graph(title, description, 'short', targets, width);
  made.fieldConfig.defaults.custom = { fillOpacity: 60, lineWidth: 1, stacking: { mode: 'normal', group: 'A' } };
  return made;
};
const number = (title, description, unit, expr, steps, width = 4) =>
  panel('stat', title, description, [width, 4], [query(expr, '', { instant: true })], {
    ...{ unit, steps },
    options: { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: steps === undefined ? 'none' : 'value' },
  });
const list = (title, description, expr, hide, width = 12) =>
  panel('table', title, description, [width, 8], [instant(expr)], {
    transformations: [
      { id: 'organize', options: { excludeByName: Object.fromEntries(['Time', ...hide].map((one) => [one, true])) } },
    ],
    options: { showHeader: true },
  });

const none = [
  { color: 'green', value: null },
  { color: 'red', value: 1 },
];
const p99 = (metric, by, selector = '') =>
  `histogram_quantile(0.99, sum by (${['le', ...by].join(', ')}) (rate(${metric}_bucket${selector}[$__rate_interval])))`;
const rate = (metric, by, selector = '') => {
  const inner = `(rate(${metric}${selector}[$__rate_interval]))`;
  return by.length === 0 ? `sum ${inner}` : `sum by (${by.join(', ')}) ${inner}`;
};
const named = (expr, selector) => `${expr} * on (host) group_left (name) vurti_host_info{${selector}}`;

const inCluster = 'cluster=~"$cluster"';
const fleet = {
  uid: 'vurti-fleet',
  title: 'vurti: fleet',
  variables: [['cluster', 'label_values(vurti_hosts, cluster)', true]],
  panels: [
    number('Hosts Up', 'Hosts that answer and may run VMs.', 'short', `sum(vurti_hosts{${inCluster},status="Up"})`),
    number(
      'NonResponsive',
      'Hosts that are lost. Their VMs are Unknown: they may still run.',
      'short',
      `sum(vurti_hosts{${inCluster},status="NonResponsive"}) or vector(0)`,
      none,
    ),
    number('VMs Up', 'VMs that run.', 'short', `sum(vurti_vms{${inCluster},status="Up"})`),
    number(
      'Unknown',
      'VMs of which nobody knows how they are.',
      'short',
      `sum(vurti_vms{${inCluster},status="Unknown"}) or vector(0)`,
      none,
    ),
    number('Paused', 'VMs that stand still.', 'short', `sum(vurti_vms{${inCluster},status="Paused"}) or vector(0)`),
    number('Need attention', 'As in vurti status.', 'short', 'sum(vurti_attention_items)', none),
    stacked('Hosts by status', '', [query(`sum by (status) (vurti_hosts{${inCluster}})`, '{{status}}')]),
    stacked('VMs by status', '', [query(`sum by (status) (vurti_vms{${inCluster}})`, '{{status}}')]),
    list(
      'Lost hosts',
      'vurti explain host NAME says why.',
      `(vurti_host_status == 4) * on (host) group_left (name, cluster) vurti_host_info{${inCluster}}`,
      ['Value', 'instance', 'job', 'host'],
    ),
    list(
      'VMs paused on an error',
      'vurti explain vm NAME says why.',
      `vurti_vm_pause_info{error="true"} * on (vm) group_left (name, host, cluster) vurti_vm_info{${inCluster}}`,
      ['Value', 'instance', 'job', 'vm', 'error'],
    ),
    graph('Busiest hosts: CPU', 'Of hosts whose figures are live.', 'percentunit', [
      query(`topk(10, ${named('vurti_host_cpu_usage_ratio', inCluster)})`, '{{name}}'),
    ]),
    graph('Busiest hosts: memory', 'Of hosts whose figures are live.', 'percentunit', [
      query(`topk(10, ${named('vurti_host_memory_usage_ratio', inCluster)})`, '{{name}}'),
    ]),
    stacked('VMs by what their reports are worth', 'live, stale or unknown, over all clusters.', [
      query('sum by (freshness) (vurti_vms_by_freshness)', '{{freshness}}'),
    ]),
    graph('Events', 'The ten that happen most.', 'short', [
      query('topk(10, sum by (name) (increase(vurti_events_total[$__rate_interval])))', '{{name}}'),
    ]),
  ],
};

const onHost = 'name="$host"';
const host = {
  uid: 'vurti-host',
  title: 'vurti: host',
  variables: [['host', 'label_values(vurti_host_info, name)', false]],
  panels: [
    number(
      'Status',
      'oVirt’s number: 3 Up, 4 NonResponsive, 13 Connecting, 2 Maintenance.',
      'short',
      named('vurti_host_status', onHost),
    ),
    number(
      'For',
      'Since it got this status.',
      's',
      named('(time() - vurti_host_status_since_timestamp_seconds)', onHost),
    ),
    number(
      'Last answer',
      'Of its agent to this vurti.',
      's',
      named('(time() - vurti_host_last_answer_timestamp_seconds)', onHost),
    ),
    number('Failed attempts', 'Since the last answer.', 'short', named('vurti_host_failed_attempts', onHost), none),
    number('VMs', 'That are on it as far as known.', 'short', named('vurti_host_vms', onHost)),
    number(
      'Certificate',
      'Of its agent: until it expires.',
      's',
      named('(vurti_host_certificate_expiry_timestamp_seconds - time())', onHost),
      [
        { color: 'red', value: null },
        { color: 'green', value: 30 * 86_400 },
      ],
    ),
    graph('Usage', 'No line while the figures are not live.', 'percentunit', [
      query(named('vurti_host_cpu_usage_ratio', onHost), 'CPU'),
      query(named('vurti_host_memory_usage_ratio', onHost), 'memory'),
      query(named('vurti_host_network_usage_ratio', onHost), 'busiest nic'),
    ]),
    graph('Pushes', 'How far its pushes are believed: the more, the less often it is polled.', 'short', [
      query(named('vurti_host_push_connected', onHost), 'connected'),
      query(named('vurti_host_push_trusted', onHost), 'trusted'),
      query(named('vurti_host_poll_interval_multiple', onHost), 'poll interval, times'),
      query(named('increase(vurti_host_push_gaps_total[$__rate_interval])', onHost), 'gaps'),
    ]),
    graph('Its VMs: CPU', 'The ten that use most.', 'percentunit', [
      query('topk(10, vurti_vm_cpu_usage_ratio * on (vm) group_left (name) vurti_vm_info{host="$host"})', '{{name}}'),
    ]),
    graph('Its VMs: memory', 'As their guests say.', 'percentunit', [
      query(
        'topk(10, vurti_vm_memory_usage_ratio * on (vm) group_left (name) vurti_vm_info{host="$host"})',
        '{{name}}',
      ),
    ]),
    list(
      'Its VMs',
      'Status is oVirt’s number: 0 Down, 1 Up, 4 Paused, 7 Unknown.',
      'vurti_vm_status * on (vm) group_left (name, cluster) vurti_vm_info{host="$host"}',
      ['instance', 'job', 'vm'],
      24,
    ),
  ],
};

const service = {
  uid: 'vurti-service',
  title: 'vurti: the service',
  variables: [],
  panels: [
    number('Readiness', '0 loading, 1 serving, 2 synced.', 'short', 'min(vurti_readiness)'),
    number('Degraded', 'The database is away, or rows are set aside.', 'short', 'max(vurti_degraded)', none),
    number(
      'Pushes healthy',
      'Of the hosts that push.',
      'percentunit',
      'sum(vurti_push_hosts_healthy) / sum(vurti_push_hosts)',
    ),
    number('Records waiting', 'For the database.', 'short', 'sum(vurti_store_waiting_records)'),
    number('Oldest live report', '', 's', 'max(vurti_vms_oldest_live_report_seconds)'),
    number(
      'Our certificate',
      'For agents: until it expires.',
      's',
      'min(vurti_client_certificate_expiry_timestamp_seconds) - time()',
      [
        { color: 'red', value: null },
        { color: 'green', value: 30 * 86_400 },
      ],
    ),
    graph('Polls: how late', 'After their due time, 99 of 100.', 's', [
      query(p99('vurti_poll_lateness_seconds', ['contact']), 'in contact: {{contact}}'),
    ]),
    graph('Polls', 'In a second.', 'reqps', [
      query(rate('vurti_polls_total', ['failed']), 'failed: {{failed}}'),
      query(rate('vurti_polls_skipped_total', ['because']), 'skipped: {{because}}'),
    ]),
    graph('Calls to agents', '99 of 100 take no longer.', 's', [
      query(p99('vurti_agent_call_seconds', ['method']), '{{method}}'),
    ]),
    graph('Calls that were not answered', 'In a second.', 'reqps', [
      query(rate('vurti_agent_calls_total', ['method', 'outcome'], '{outcome!="answered"}'), '{{method}} {{outcome}}'),
    ]),
    graph('Steps on the event loop', '99 of 100 take no longer.', 's', [
      query(p99('vurti_step_seconds', ['step']), '{{step}}'),
      query(p99('vurti_stream_round_seconds', []), 'a round to all readers'),
    ]),
    graph('Event loop and CPU', 'How long others wait, and how much of a core is used.', 'short', [
      query('max(nodejs_eventloop_lag_p99_seconds)', 'lag p99, s'),
      query('sum(rate(process_cpu_seconds_total[$__rate_interval]))', 'cores'),
    ]),
    graph('What waits', '', 'short', [
      query('sum(vurti_polls_in_flight)', 'calls in flight'),
      query('sum(vurti_calls_waiting)', 'calls that wait'),
      query('sum(vurti_evidence_waiting)', 'evidence'),
      query('sum(vurti_store_waiting_rows)', 'rows'),
      query('sum(vurti_store_waiting_records)', 'records'),
    ]),
    graph('Database: time of a flush', '99 of 100 take no longer.', 's', [
      query(p99('vurti_store_flush_seconds', []), 'flush'),
    ]),
    graph('Database: what is written', 'In a second.', 'short', [
      query(rate('vurti_store_rows_total', []), 'rows'),
      query(rate('vurti_store_rows_coalesced_total', []), 'rows spared: a newer one came before'),
      query(rate('vurti_store_records_total', []), 'records'),
      query(rate('vurti_store_flush_failures_total', []), 'failed flushes'),
    ]),
    graph('Pushes', 'In a second.', 'short', [
      query(rate('vurti_pushes_total', ['kind']), '{{kind}}'),
      query(rate('vurti_push_gaps_total', ['because']), 'gaps: {{because}}'),
      query(rate('vurti_pushes_dropped_total', []), 'dropped'),
    ]),
    graph('Events held back, bugs', 'In a second.', 'short', [
      query(rate('vurti_events_held_back_total', []), 'held back (floods)'),
      query(rate('vurti_rule_errors_total', []), 'rule errors'),
      query(rate('vurti_report_problems_total', []), 'unreadable fields'),
    ]),
    graph('Memory', '', 'bytes', [
      query('sum(process_resident_memory_bytes)', 'resident'),
      query('sum(nodejs_heap_size_used_bytes)', 'heap'),
      query('sum(vurti_journal_bytes)', 'journal (on disk)'),
    ]),
    graph('Readers', '', 'short', [query('sum(vurti_event_streams)', 'event streams')], 12),
    graph(
      'Scrapes',
      'Time to make the answer, 99 of 100.',
      's',
      [query(p99('vurti_scrape_seconds', []), 'scrape')],
      12,
    ),
  ],
};

/** From the left to the right, then in the next row. */
function placed(panels) {
  let x = 0;
  let y = 0;
  let tallest = 0;
  return panels.map(({ size: [w, h], ...one }, i) => {
    if (x + w > WIDTH) {
      x = 0;
      y += tallest;
      tallest = 0;
    }
    const gridPos = { x, y, w, h };
    x += w;
    tallest = Math.max(tallest, h);
    return { id: i + 1, ...one, gridPos };
  });
}

function variable([name, definition, several]) {
  const all = several
    ? { multi: true, includeAll: true, allValue: '.*', current: { text: 'All', value: '$__all' } }
    : {};
  return {
    ...{ type: 'query', name, label: name, datasource: source, definition, refresh: 2, sort: 1, ...all },
    query: { query: definition, refId: name },
  };
}

function dashboard({ uid, title, variables, panels }) {
  const pick = { type: 'datasource', name: 'datasource', label: 'Prometheus', query: 'prometheus', current: {} };
  const links = {
    type: 'dashboards',
    title: 'vurti',
    tags: ['vurti'],
    asDropdown: false,
    keepTime: true,
    includeVars: false,
  };
  const made = {
    ...{ uid, title, tags: ['vurti'], schemaVersion: 39, version: 1, editable: true, graphTooltip: 1 },
    ...{ refresh: '30s', time: { from: 'now-6h', to: 'now' }, timezone: 'browser' },
    templating: { list: [pick, ...variables.map(variable)] },
    links: [links],
    panels: placed(panels),
  };
  return `${JSON.stringify(made, null, 2)}\n`;
}

export const dashboards = {
  'deploy/grafana/dashboards/fleet.json': dashboard(fleet),
  'deploy/grafana/dashboards/host.json': dashboard(host),
  'deploy/grafana/dashboards/service.json': dashboard(service),
};
