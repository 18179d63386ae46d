import type { Evidence } from '../events/index.js';
import type { CallOptions, Fetcher } from '../fetcher/index.js';
import type { EvidenceStamp, HostEndpoint, PollSettings, VmReader, VmStatsReport } from '../model/index.js';
import type { ComparedReports } from './compared-reports.js';
import type { Ask } from './request-queue.js';
import type { Lane } from './slots.js';
import { vmEvidence } from './vm-poll.js';

/** Says what an answer comes to. The stamp is made when the answer is here. */
export type Tell = (stamp: (complete: boolean) => EvidenceStamp) => readonly Evidence[];

interface AskContext {
  readonly fetcher: Fetcher;
  readonly vms: VmReader;
  readonly endpoint: HostEndpoint;
  readonly ask: Ask;
  readonly compared: ComparedReports;
  /** A VM report is here, before anything is made of it. */
  readonly onVmReport: (report: VmStatsReport) => void;
}

interface CallKind {
  readonly deadlineSeconds: (poll: PollSettings) => number;
  /** The lane of a host in contact. */
  readonly lane: Lane;
  readonly send: (context: AskContext, options: CallOptions) => Promise<Tell>;
}

/** The questions that this adapter asks, and what becomes of the answers. */
export const calls: Readonly<Record<Ask['method'], CallKind>> = {
  'Host.getStats': {
    deadlineSeconds: (poll) => poll.deadlineSeconds,
    lane: 'statistics',
    send: async ({ fetcher, endpoint }, options) => {
      const report = await fetcher.getStats(endpoint, options);
      return (stamp) => [{ name: 'VdsStatsReceived', host: endpoint.id, stamp: stamp(true), report }];
    },
  },
  'Host.getAllVmStats': {
    deadlineSeconds: (poll) => poll.deadlineSeconds,
    lane: 'statistics',
    send: async ({ fetcher, endpoint, vms, compared, onVmReport }, options) => {
      const report = await fetcher.getAllVmStats(endpoint, options);
      return (stamp) => {
        onVmReport(report);
        return vmEvidence(endpoint.id, stamp(report.complete), report, vms, compared);
      };
    },
  },
  'Host.getCapabilities': {
    deadlineSeconds: (poll) => poll.capabilitiesDeadlineSeconds,
    lane: 'background',
    send: async ({ fetcher, endpoint }, options) => {
      const report = await fetcher.getCapabilities(endpoint, options);
      return (stamp) => [{ name: 'VdsCapabilitiesReceived', host: endpoint.id, stamp: stamp(true), report }];
    },
  },
  'Host.getHardwareInfo': {
    deadlineSeconds: (poll) => poll.hardwareInfoDeadlineSeconds,
    lane: 'background',
    send: async ({ fetcher, endpoint }, options) => {
      const report = await fetcher.getHardwareInfo(endpoint, options);
      return (stamp) => [{ name: 'VdsHardwareInfoReceived', host: endpoint.id, stamp: stamp(true), report }];
    },
  },
  'Host.dumpxmls': {
    deadlineSeconds: (poll) => poll.deadlineSeconds,
    lane: 'statistics',
    send: async ({ fetcher, endpoint, ask }, options) => {
      const domains = await fetcher.dumpXmls(endpoint, ask.vmIds, options);
      return (stamp) => [{ name: 'VmDevicesReceived', host: endpoint.id, stamp: stamp(true), domains }];
    },
  },
};
