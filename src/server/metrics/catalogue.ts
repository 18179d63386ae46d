/** One metric of the service about itself. Names and units follow Prometheus; they are added, never renamed (SemVer). */
export interface OwnMetric {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels?: readonly string[];
  /** Upper bounds, of histograms. */
  readonly buckets?: readonly number[];
}

const short = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
const calls = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** What the parts tell the Telemetry port by name; a name that is not here is a bug that a test finds. */
export const ownMetrics: Readonly<Record<string, OwnMetric>> = {
  vurti_polls_total: { type: 'counter', help: 'Cycles of calls to a host that have ended.', labels: ['failed'] },
  vurti_polls_skipped_total: {
    type: 'counter',
    help: 'Ticks that found their host busy, or its evidence not applied yet.',
    labels: ['because'],
  },
  vurti_poll_lateness_seconds: {
    type: 'histogram',
    help: 'How long after its due time the first call of a cycle left; contact: whether the host is in contact.',
    labels: ['contact'],
    buckets: short,
  },
  vurti_agent_calls_total: {
    type: 'counter',
    help: 'Calls to agents by how they ended.',
    labels: ['method', 'outcome'],
  },
  vurti_agent_call_seconds: {
    type: 'histogram',
    help: 'Time from question to decoded answer, or to its failure.',
    labels: ['method'],
    buckets: calls,
  },
  vurti_step_seconds: {
    type: 'histogram',
    help: 'Time of a step on the event loop: decode (an answer is compared with what is known), rules (one piece of evidence is judged). The steps before and after are vurti_agent_call_seconds and vurti_store_flush_seconds.',
    labels: ['step'],
    buckets: [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5],
  },
  vurti_push_connections_total: { type: 'counter', help: 'Subscriptions to the events of agents that were taken.' },
  vurti_pushes_total: { type: 'counter', help: 'Messages that agents sent unasked, by kind.', labels: ['kind'] },
  vurti_pushes_dropped_total: {
    type: 'counter',
    help: 'Messages of agents that were let go because too many waited; a poll made up for them.',
  },
  vurti_push_gaps_total: {
    type: 'counter',
    help: 'Changes that a poll showed and no push had announced. because: silent (the connection stood), disconnected, overflow.',
    labels: ['because'],
  },
  vurti_push_overdue_polls_total: {
    type: 'counter',
    help: 'Hosts that were polled less often and did not report in time; they are polled at full pace again.',
  },
  vurti_evidence_total: { type: 'counter', help: 'Pieces of evidence applied, by name.', labels: ['name'] },
  vurti_updater_slices_total: { type: 'counter', help: 'Turns of the event loop that applied evidence.' },
  vurti_host_answers_parsed_total: {
    type: 'counter',
    help: 'Answers to Host.getStats that are of no known form and were parsed as a whole.',
  },
  vurti_host_answer_differences_total: {
    type: 'counter',
    help: 'Cross-checks in which both ways of reading an answer to Host.getStats differed; the host is parsed from then on.',
  },
  vurti_vm_answers_parsed_total: {
    type: 'counter',
    help: 'Answers to Host.getAllVmStats that could not be read beside the one before and were parsed as a whole.',
  },
  vurti_vm_answer_differences_total: {
    type: 'counter',
    help: 'Cross-checks in which both ways of reading an answer to Host.getAllVmStats differed; the host is parsed from then on.',
  },
  vurti_report_problems_total: { type: 'counter', help: 'Fields or entries of answers that could not be read.' },
  vurti_rule_errors_total: { type: 'counter', help: 'Decisions that failed by a bug; the entity keeps its state.' },
  vurti_vm_reports_skipped_total: {
    type: 'counter',
    help: 'Reports of a VM that were not judged, and why (docs/rules.md, admission).',
    labels: ['reason'],
  },
  vurti_events_total: { type: 'counter', help: 'Events written to the log.', labels: ['name'] },
  vurti_events_held_back_total: {
    type: 'counter',
    help: 'Events that flood control or flap damping held back; their number stands in a summary.',
    labels: ['name'],
  },
  vurti_intents_done_total: { type: 'counter', help: 'Advice that a handler has carried out.', labels: ['intent'] },
  vurti_intents_failed_total: { type: 'counter', help: 'Tries of a handler that failed.', labels: ['intent'] },
  vurti_commands_expired_total: {
    type: 'counter',
    help: 'Commands whose end the manager never told; they blocked their VM until then.',
  },
  vurti_agent_connections_total: {
    type: 'counter',
    help: 'Attempts to connect to an agent of protocol vdsm.',
  },
  vurti_agent_frames_ignored_total: {
    type: 'counter',
    help: 'Messages of agents that were for nobody: late answers and foreign ones.',
  },
  vurti_agent_errors_total: { type: 'counter', help: 'ERROR frames: agents that refused a frame of ours.' },
  vurti_pushes_unreadable_total: { type: 'counter', help: 'Events of agents that could not be read.' },
  vurti_inventory_failed_sources: {
    type: 'gauge',
    help: 'Sources of hosts that cannot be read at present; their hosts stay as they were.',
  },
  vurti_inventory_held_hosts: {
    type: 'gauge',
    help: 'Hosts that are missing from their source and are kept, because it lists none, or has lost more than half.',
  },
  vurti_inventory_leaving_hosts: {
    type: 'gauge',
    help: 'Hosts that their source does not list any more; they are removed within ten minutes.',
  },
  vurti_sink_deliveries_total: {
    type: 'counter',
    help: 'Events sent to a sink, by outcome: delivered, failed (it is tried again).',
    labels: ['sink', 'outcome'],
  },
  vurti_sink_delivery_seconds: {
    type: 'histogram',
    help: 'Time from a request to a sink to its answer, or to its failure.',
    labels: ['sink'],
    buckets: calls,
  },
  vurti_sink_lag_records: {
    type: 'gauge',
    help: 'Records of the log that a sink has not come to yet.',
    labels: ['sink'],
  },
  vurti_stale_hosts: { type: 'gauge', help: 'Monitored hosts without an answer for watchdog.thresholdSeconds.' },
  vurti_store_flush_seconds: { type: 'histogram', help: 'Time of one flush to the database.', buckets: short },
  vurti_store_flush_failures_total: { type: 'counter', help: 'Flushes that failed and were tried again.' },
  vurti_store_rows_total: { type: 'counter', help: 'Rows written.' },
  vurti_store_rows_coalesced_total: {
    type: 'counter',
    help: 'Rows that a newer value replaced before they were written.',
  },
  vurti_store_changes_dropped_total: {
    type: 'counter',
    help: 'Change sets that came after the end of the committer.',
  },
  vurti_store_records_total: { type: 'counter', help: 'Records written to the log.' },
  vurti_store_rows_set_aside: { type: 'gauge', help: 'Rows that the database refuses and that wait for a change.' },
  vurti_store_rows_refused_total: { type: 'counter', help: 'Rows that the database refused.', labels: ['table'] },
  vurti_store_rows_not_understood_total: {
    type: 'counter',
    help: 'Stored rows that this version could not read at its start.',
    labels: ['table'],
  },
  vurti_backfill_records: {
    type: 'gauge',
    help: 'Records that a migration in the background has still to look through.',
  },
  vurti_journal_bytes: { type: 'gauge', help: 'Size of the journal: what is kept there until the database is back.' },
  vurti_journal_flushes: { type: 'gauge', help: 'Flushes that wait in the journal.' },
  vurti_log_records_removed_total: { type: 'counter', help: 'Old records removed from the log.' },
  vurti_event_streams: { type: 'gauge', help: 'Readers that follow the log over GET /api/v1/events/stream.' },
  vurti_stream_round_seconds: {
    type: 'histogram',
    help: 'Time to write what was committed to all readers of the stream.',
    buckets: short,
  },
  vurti_scrape_seconds: {
    type: 'histogram',
    help: 'Time to make the answer to a scrape, the turns of others between its slices included.',
    buckets: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
  },
  vurti_embedded_database_start_seconds: {
    type: 'histogram',
    help: 'Start of the embedded PostgreSQL.',
    buckets: [0.1, 0.2, 0.5, 1, 2, 5, 10, 30],
  },
};
