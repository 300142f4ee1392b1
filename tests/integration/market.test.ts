import { expect, test } from "bun:test";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Run } from "../../examples/flights/stage.ts";

const root = join(import.meta.dir, "../..");

test("the market loses nothing while its instruments are killed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "wippy-market-"));
  try {
    await cp(join(root, "examples/market"), folder, { recursive: true });
    const command = [process.execPath, join(root, "src/main.ts")];
    const { status, output } = await new Run(folder, command, ["trade", "7"]).ended;
    expect(output).toContain("seed 7: 480 requests of 8 traders");
    expect(output).toMatch(/[1-9]\d* instruments killed/);
    expect(output).toContain("no acknowledged request lost, no limit crossed");
    expect(status).toBe(0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 60_000);
