/**
 * Measures a figure beside its peer and prints it as one JSON line, in the form of scripts/bench.
 * @module
 */
import { parseArgs } from "node:util";

const { values: flags } = parseArgs({
  options: {
    only: { type: "string" },
    quick: { type: "boolean", default: false },
    "without-peers": { type: "boolean", default: false },
  },
});

/** Whether to skip peers (`--without-peers`). */
export const withoutPeers: boolean = flags["without-peers"];

/** Whether the caller asked for a short measurement (`--quick`). */
export const quick: boolean = flags.quick;

/** Runs of which the median counts. */
export const rounds: number = quick ? 1 : 3;

/** What a figure says of what it measures. */
export interface Kind {
  figure: string;
  unit: string;
  better: "higher" | "lower";
  /** How many of the measured things one run does. */
  n: number;
  /** Of the ratio where there is a peer, else of the value; null: none is set. */
  target: number | null;
}

/** What to measure. */
export interface Subject extends Kind {
  /** One run of ours, with its own warm-up; the value in `unit`. */
  ours(): number | Promise<number>;
  /** The peer and one run of it; left out where it is not installed. */
  peer?: { name: string; run(): number | Promise<number> } | undefined;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** The value below which a part of the values lies. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!;
}

/** Whether `--only` names the figure, or the beginning of its name, or is absent. */
export function wanted(figure: string): boolean {
  return flags.only === undefined || figure.startsWith(flags.only);
}

/** Measures ours and the peer's in turn and prints the figure, unless `--only` names another. */
export async function measure(subject: Subject): Promise<void> {
  const { figure } = subject;
  const peer = withoutPeers ? undefined : subject.peer;
  if (!wanted(figure)) return;
  console.error(`${figure} …`);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    ours.push(await subject.ours());
    if (peer) theirs.push(await peer.run());
  }
  report(subject, ours, peer && { name: peer.name, values: theirs });
}

/** Prints a figure from the values of each round, unless `--only` names another. */
export function report(
  { figure, unit, better, n, target }: Kind,
  ours: number[],
  peer?: { name: string; values: number[] },
): void {
  if (!wanted(figure)) return;
  const value = median(ours);
  const peerValue = peer ? median(peer.values) : null;
  const ratio = peerValue === null
    ? null
    : better === "higher"
    ? value / peerValue
    : peerValue / value;
  const meets = target === null
    ? null
    : ratio !== null
    ? ratio >= target
    : better === "higher"
    ? value >= target
    : value <= target;
  console.log(JSON.stringify({
    figure,
    value: round(value),
    unit,
    better,
    n,
    peer: peer?.name ?? null,
    peer_value: peerValue === null ? null : round(peerValue),
    ratio: ratio === null ? null : round(ratio),
    target,
    meets,
  }));
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
