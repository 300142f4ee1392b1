import { expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cleanAfterTest } from "../../../cleanup.ts";

const program = `
  import { isTerminal } from "${
  join(import.meta.dir, "../../../../src/cli/terminal/is-terminal.ts")
}";
  process.exit((isTerminal("stdout") ? 1 : 0) + (process.stdout.isTTY === true ? 2 : 0));
`;

/** 0: no terminal, 3: a terminal; anything else: not what Bun says. */
async function status(options: object): Promise<number> {
  const child = Bun.spawn([process.execPath, "-e", program], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
    ...options,
  });
  return await child.exited;
}

test("a terminal is known, and told from a pipe, a file and the null device", async () => {
  const folder = mkdtempSync(join(tmpdir(), "wippy-terminal-"));
  const file = openSync(join(folder, "out"), "w");
  cleanAfterTest(() => {
    closeSync(file);
    rmSync(folder, { recursive: true });
  });
  expect(await status({ stdout: "pipe" })).toBe(0);
  expect(await status({ stdout: "ignore" })).toBe(0);
  expect(await status({ stdout: file })).toBe(0);
  const terminal = new Bun.Terminal({ cols: 80, rows: 24 });
  cleanAfterTest(() => terminal.close());
  expect(await status({ terminal, stdin: undefined, stdout: undefined, stderr: undefined })).toBe(
    3,
  );
});
