import {
  type Cause,
  type ChangeRecord,
  catalogue,
  type EventRecord,
  formatMessage,
  type IntentRecord,
  type Severity,
} from '../events/index.js';
import type { Ids } from '../kernel/index.js';
import type { FieldChange, Vds, Vm } from '../model/index.js';
import type { EventDraft, IntentDraft } from '../rules/index.js';

/** Whom a record is about. */
export interface About {
  readonly host: Vds | undefined;
  readonly vm: Vm | undefined;
}

export interface Incident {
  readonly correlation: string;
  readonly parent: string | null;
}

/** Makes log records of what rules decided: ids, names, time and cause are added here, once for all. */
export class RecordMaker {
  readonly #ids: Ids;
  readonly #advisory: boolean;

  constructor(ids: Ids, mode: 'observer' | 'manager') {
    this.#ids = ids;
    this.#advisory = mode === 'observer';
  }

  incident(): string {
    return this.#ids.uuid();
  }

  change(
    about: About,
    entity: ChangeRecord['entity'],
    what: ChangeRecord['what'],
    changes: readonly FieldChange[],
    cause: Cause,
    time: number,
    incident?: Incident,
  ): ChangeRecord {
    const { host, vm } = about;
    // One literal: of spreads it would take several objects more, for each record.
    return {
      kind: 'change',
      entity,
      entityId: (entity === 'vm' ? vm?.id : host?.id) ?? '',
      what,
      changes,
      time,
      cause,
      hostId: host?.id ?? null,
      vmId: vm?.id ?? null,
      clusterId: host?.static.clusterId ?? vm?.static.clusterId ?? null,
      correlation: incident?.correlation ?? null,
    };
  }

  /** Of a cluster, or of a network, whose name is its id within its cluster. */
  clusterChange(
    of: Pick<ChangeRecord, 'entity' | 'entityId' | 'clusterId' | 'what' | 'changes'>,
    cause: Cause,
    time: number,
  ): ChangeRecord {
    return { kind: 'change', ...this.#base({ host: undefined, vm: undefined }, cause, time, undefined), ...of };
  }

  event(about: About, draft: EventDraft, cause: Cause, time: number, incident?: Incident): EventRecord {
    const params = draft.params;
    return {
      kind: 'event',
      id: this.#ids.uuid(),
      name: draft.name,
      severity: catalogue[draft.name].severity,
      message: formatMessage(draft.name, {
        host: about.host?.static.name ?? '-',
        vm: about.vm?.static.name ?? '-',
        ...params,
      }),
      params,
      customId: draft.customId ?? null,
      parent: incident?.parent ?? null,
      ...this.#base(about, cause, time, incident),
    };
  }

  /** An event that says something about another one. */
  about(event: EventRecord, draft: EventDraft, severity: Severity, cause: Cause, time: number): EventRecord {
    const record = this.event({ host: undefined, vm: undefined }, draft, cause, time);
    const { hostId, vmId, clusterId, customId, correlation } = event;
    return { ...record, ...{ severity, hostId, vmId, clusterId, customId, correlation } };
  }

  /**
   * The key holds when the VM, or the host, came to its present status: it stands in the database, and the same advice
   * of a later life is another one. What is left of a VM has no status; its key holds when the advice was first given,
   * which stands in the database as well (IntentBook).
   */
  intent(about: About, draft: IntentDraft, cause: Cause, time: number, incident?: Incident): IntentRecord {
    const base = this.#base(about, cause, time, incident);
    const hostId = draft.hostId ?? base.hostId;
    const vmId = draft.vmId ?? base.vmId;
    const since = (about.vm ?? about.host)?.dynamic.statusSince ?? null;
    const round = draft.round ?? 0;
    const begun = draft.intent === 'destroy' ? time : since;
    const parts = [draft.intent, vmId, hostId, begun, round === 0 ? undefined : round];
    return {
      kind: 'intent',
      intent: draft.intent,
      key: parts
        .filter((part) => part !== undefined)
        .map((part) => part ?? '-')
        .join(':'),
      round,
      since,
      advisory: this.#advisory,
      evidence: draft.evidence,
      ...base,
      hostId,
      vmId,
    };
  }

  #base(about: About, cause: Cause, time: number, incident: Incident | undefined) {
    return {
      time,
      cause,
      hostId: about.host?.id ?? null,
      vmId: about.vm?.id ?? null,
      clusterId: about.host?.static.clusterId ?? about.vm?.static.clusterId ?? null,
      correlation: incident?.correlation ?? null,
    };
  }
}
