import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../../scripts/sources.ts";
import { writeFiles } from "../../unit/app/temporary-application.ts";

test("the example of the guide writes what the page says, as a script", async () => {
  const page = readFileSync(join(root, "docs/guide/typed-lua.md"), "utf8");
  const [, source, output] = /```lua\n(.*?)```.*?```text\n(.*?)```/s.exec(page)!;
  const child = Bun.spawn([process.execPath, join(root, "src/main.ts"), "order.lua"], {
    cwd: writeFiles({ "order.lua": source! }),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [written, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  expect({ written, errors }).toEqual({ written: output!, errors: "" });
});
