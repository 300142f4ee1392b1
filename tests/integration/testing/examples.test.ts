import { expect, test } from "bun:test";
import { join } from "node:path";
import { root } from "../../../scripts/sources.ts";
import { runCommand } from "../../unit/cli/run/run-command.ts";

test.each([["hello", 5], ["orders", 4]])("the tests of examples/%s pass", async (name, count) => {
  const { status, out } = await runCommand(join(root, "examples", name), "test", "--timeout", "60");
  expect(out).toContain(`${count} passed, 0 failed`);
  expect(status).toBe(0);
}, 120_000);
