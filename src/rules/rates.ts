import { exactCount, type NicSample } from '../model/index.js';

/** One direction of a nic as it was kept from the report before. */
export interface CounterState {
  readonly total: bigint | null;
  readonly offset: bigint | null;
}

/**
 * Our own total from an agent's counter that may start anew (oVirt NetworkStatisticsBuilder): the first report makes it 0;
 * a counter that went back was reset, and what was counted before is kept. Not reported: no total, the offset stays.
 */
export function nextCounter(previous: CounterState | undefined, reported: bigint | null): CounterState {
  const offset = previous?.offset ?? null;
  if (reported === null) return { total: null, offset };
  if (offset === null) return { total: 0n, offset: -reported };
  const total = offset + reported;
  const before = previous?.total ?? null;
  if (before !== null && total < before) return { total: before + reported, offset: before };
  return { total, offset };
}

/** Per cent of the nic's speed between two reports, at most 100; null when it cannot be known. */
export function ratePercent(
  before: { readonly total: bigint | null; readonly sampleTime: number | null } | undefined,
  after: { readonly total: bigint | null; readonly sampleTime: number | null },
  speedMbps: number | null,
): number | null {
  if (before === undefined || before.total === null || after.total === null) return null;
  if (before.sampleTime === null || after.sampleTime === null || after.sampleTime <= before.sampleTime) return null;
  if (speedMbps === null || speedMbps <= 0) return null;
  const megabits = (Number(after.total - before.total) * 8) / 1e6;
  return Math.min(100, (100 * megabits) / (after.sampleTime - before.sampleTime) / speedMbps);
}

interface NicState {
  readonly rxTotal: bigint | null;
  readonly rxOffset: bigint | null;
  readonly txTotal: bigint | null;
  readonly txOffset: bigint | null;
  readonly sampleTime: number | null;
}

export interface NicFigures extends NicState {
  readonly rxRate: number | null;
  readonly txRate: number | null;
  readonly rxDrop: bigint | null;
  readonly txDrop: bigint | null;
}

/** Totals and rates of a nic from its last state and a new sample. A repeated sample keeps the rates it gave. */
export function nicFigures(
  previous: (NicState & Pick<NicFigures, 'rxRate' | 'txRate'>) | undefined,
  sample: NicSample,
  speedMbps: number | null,
): NicFigures {
  const rxBefore = previous && { total: previous.rxTotal, offset: previous.rxOffset };
  const txBefore = previous && { total: previous.txTotal, offset: previous.txOffset };
  const rx = nextCounter(rxBefore, exactCount(sample.rxBytes));
  const tx = nextCounter(txBefore, exactCount(sample.txBytes));
  const rate = (before: CounterState | undefined, after: CounterState): number | null => {
    // Without an offset what was counted before had another beginning.
    if (previous === undefined || before === undefined || before.offset === null) return null;
    const { total } = before;
    const { sampleTime } = sample;
    return ratePercent({ total, sampleTime: previous.sampleTime }, { total: after.total, sampleTime }, speedMbps);
  };
  const repeated = previous !== undefined && sample.sampleTime !== null && previous.sampleTime === sample.sampleTime;
  return {
    rxTotal: rx.total,
    rxOffset: rx.offset,
    txTotal: tx.total,
    txOffset: tx.offset,
    sampleTime: sample.sampleTime,
    rxRate: repeated ? previous.rxRate : rate(rxBefore, rx),
    txRate: repeated ? previous.txRate : rate(txBefore, tx),
    rxDrop: exactCount(sample.rxDropped),
    txDrop: exactCount(sample.txDropped),
  };
}
