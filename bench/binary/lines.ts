/**
 * Reading 200,000 lines of a file in a script, warm, beside lua5.4: with `io.lines` and with `io.read`.
 * @module
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { outputOf, temporaryFolder, wippy } from "../kernel/measurement/command.ts";
import { measure, quick } from "../kernel/measurement/measurement.ts";

const count = 200_000;
const rounds = quick ? 5 : 9;
const folder = temporaryFolder();
const line = (i: number) => `line number ${i} with some text behind it, ${i * 7 % 1000}\n`;
writeFileSync(join(folder, "lines.txt"), Array.from({ length: count }, (_, i) => line(i)).join(""));
// The last round: the first ones are compiled while they run. The time is that of the processor.
const loop = (read: string) =>
  `local best
for _ = 1, ${rounds} do
  local n, began = 0, os.clock()
  ${read}
  assert(n == ${count})
  best = os.clock() - began
end
print(("%.3f"):format(best * 1000))`;
const programs = {
  "script.lines": loop('for _ in io.lines("lines.txt") do n = n + 1 end'),
  "script.read": loop(
    'io.input("lines.txt") while io.read() do n = n + 1 end io.close(io.input())',
  ),
};

for (const [figure, program] of Object.entries(programs)) {
  const name = `${figure}.lua`;
  writeFileSync(join(folder, name), program);
  const milliseconds = (command: readonly string[]) => Number(outputOf([...command, name], folder));
  await measure({
    figure,
    unit: "ms",
    better: "lower",
    n: count,
    target: 0.5,
    ours: () => milliseconds(wippy),
    peer: Bun.which("lua5.4") ? { name: "lua5.4", run: () => milliseconds(["lua5.4"]) } : undefined,
  });
}
