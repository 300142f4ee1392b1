import { expect, test } from "bun:test";
import { type Stand, telling } from "../../../../src/cli/workflow/stand.ts";

/** A coroutine on a line. */
function on(line: number): Stand {
  return { file: "order.lua", line, locals: new Map() };
}

test.each<[string, number[], number[], [number | undefined, number | undefined], boolean]>([
  ["the main ones where all wait on the same lines", [9, 4, 5], [9, 5, 4], [9, 9], true],
  ["those on different lines, whatever their order", [9, 4, 5], [9, 6, 4], [5, 6], true],
  ["one of several on a line, without certainty", [9, 4, 4], [9, 4, 6], [4, 6], false],
  ["the main ones where only one run has more of them", [9], [9, 4], [9, 9], true],
  ["what there is where one run has no code", [], [9, 4], [undefined, 9], true],
])("of two runs it chooses %s", (_name, a, b, [lineA, lineB], certain) => {
  const pair = telling(a.map(on), b.map(on));
  expect([pair.a?.line, pair.b?.line, pair.certain]).toEqual([lineA, lineB, certain]);
});
