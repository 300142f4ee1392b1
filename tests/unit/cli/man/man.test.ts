import { expect, test } from "bun:test";
import { createProgram } from "../../../../src/cli/cli.ts";
import { visibleCommands } from "../../../../src/cli/completion/candidates.ts";
import { manualPage } from "../../../../src/cli/man/man.ts";
import { runCommand } from "../run/run-command.ts";

const program = createProgram({} as never, () => {});

test("the manual has every command and every flag", async () => {
  const { status, out } = await runCommand("/", "man");
  expect(status).toBe(0);
  const missing = [program, ...visibleCommands(program).flatMap((each) => [each, ...each.commands])]
    .flatMap((command) => [
      ...(command === program ? [] : [`${command.name()}`]),
      ...command.options.flatMap(({ long, hidden }) => hidden ? [] : long ?? []),
    ])
    .filter((text) => !out.includes(text.replaceAll("-", "\\-")));
  expect(missing).toEqual([]);
});

test("the manual is the same each time", () => {
  expect(manualPage(program)).toBe(manualPage(createProgram({} as never, () => {})));
});

test.skipIf(Bun.which("mandoc") === null)(
  "mandoc has nothing against the manual but its lack of a date (skipped without mandoc)",
  () => {
    const run = Bun.spawnSync(["mandoc", "-Tlint", "-Wwarning"], {
      stdin: Buffer.from(manualPage(program)),
    });
    const faults = run.stdout.toString().trim().split("\n");
    expect(faults.filter((line) => !line.includes("missing date"))).toEqual([]);
  },
);
