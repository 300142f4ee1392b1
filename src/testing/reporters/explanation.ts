import { diffLines } from "diff";
import type { TestFailure } from "../testing.ts";

/** A line of an explanation, and what it is. */
export interface ExplainedLine {
  text: string;
  kind: "message" | "expected" | "actual" | "same" | "place" | "note";
}

/** Equal lines shown on each side of a difference. */
const context = 3;

function lines(text: string): string[] {
  return text.replace(/\n$/, "").split("\n");
}

/** The two values line by line: `-` is the expected one, `+` the actual one. */
function difference(expected: string, actual: string): ExplainedLine[] {
  const parts = diffLines(`${expected}\n`, `${actual}\n`);
  return parts.flatMap(({ value, added, removed }, index): ExplainedLine[] => {
    const all = lines(value);
    if (added) return all.map((line) => ({ text: `+ ${line}`, kind: "actual" }));
    if (removed) return all.map((line) => ({ text: `- ${line}`, kind: "expected" }));
    const head = index === 0 ? 0 : context;
    const tail = index === parts.length - 1 ? 0 : context;
    const kept = all.length <= head + tail + 1
      ? all
      : [...all.slice(0, head), "…", ...all.slice(all.length - tail)];
    return kept.map((line) => ({ text: `  ${line}`, kind: "same" }));
  });
}

/** Why a test failed, for people. */
export function explain(failure: TestFailure, seed: number): ExplainedLine[] {
  const { message, expected, actual, stack, crash } = failure;
  return [
    ...lines(message).map((text): ExplainedLine => ({ text, kind: "message" })),
    ...(crash === undefined ? [] : [{ text: crash, kind: "note" } as const]),
    ...(expected === undefined || actual === undefined ? [] : difference(expected, actual)),
    ...(stack
      ? lines(stack).map((text): ExplainedLine => ({ text: text.trim(), kind: "place" }))
      : []),
    { text: `again with: --seed ${seed}`, kind: "note" },
  ];
}

/** The explanation as plain text. */
export function explanation(failure: TestFailure, seed: number): string {
  return explain(failure, seed).map(({ text }) => text).join("\n");
}
