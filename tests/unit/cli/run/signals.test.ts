import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cleanAfterTest } from "../../../cleanup.ts";
import { until } from "../../../until.ts";

const signals = join(import.meta.dir, "../../../../src/cli/run/signals.ts");

/** A program that has the handlers of a run and stands still afterwards, as in a call of C that takes long. */
function standingStill(): string {
  const folder = mkdtempSync(join(tmpdir(), "wippy-signals-"));
  cleanAfterTest(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "still.ts");
  writeFileSync(
    file,
    `import { Shutdown } from ${JSON.stringify(signals)};
    new Shutdown({ log() {} }, (status) => process.exit(status));
    require("node:fs").writeSync(1, "ready");
    for (;;);`,
  );
  return file;
}

test.skipIf(process.platform !== "linux").each(["SIGINT", "SIGTERM"] as const)(
  "a second %s ends a program whose thread stands still",
  async (signal) => {
    const child = Bun.spawn([process.execPath, standingStill()], { stdout: "pipe" });
    try {
      await child.stdout.getReader().read();
      child.kill(signal);
      // Signals that wait are merged; the first is taken when its handler is no longer there.
      await until(async () => !await handles(child.pid, signal));
      child.kill(signal);
      await child.exited;
      expect(child.signalCode).toBe(signal);
    } finally {
      child.kill("SIGKILL");
    }
  },
  20_000,
);

/** Whether a process has a handler of its own for a signal, as the kernel says. */
async function handles(pid: number, signal: "SIGINT" | "SIGTERM"): Promise<boolean> {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  const caught = BigInt(`0x${/^SigCgt:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0"}`);
  return (caught >> BigInt(signal === "SIGINT" ? 1 : 14) & 1n) === 1n;
}
