import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DescriptorOutput } from "../../../src/operations/io/output.ts";
import { cleanAfterTest } from "../../cleanup.ts";

const file = join(import.meta.dir, "../../../src/operations/io/output.ts");

/** An output whose writes take at most `most` bytes each, or fail with the codes given first. */
function output(most = Infinity, codes: string[] = []) {
  const writes: string[] = [];
  const made = new DescriptorOutput(
    1,
    "the output",
    ((_: number, bytes: Buffer, at: number) => {
      const code = codes.shift();
      if (code !== undefined) throw Object.assign(new Error(code), { code });
      const part = Buffer.from(bytes.subarray(at, at + most));
      writes.push(part.toString("latin1"));
      return part.length;
    }) as never,
  );
  return { output: made, writes };
}

describe("an output", () => {
  test("writes what came in one turn together, at its end", async () => {
    const { output: out, writes } = output();
    out.write("a");
    out.write(new Uint8Array([0xff]));
    out.write("");
    expect(writes).toEqual([]);
    await Promise.resolve();
    expect(writes).toEqual(["a\xff"]);
    out.write("b");
    await out.flush();
    expect(writes).toEqual(["a\xff", "b"]);
    await Promise.resolve();
    expect(writes).toHaveLength(2);
  });

  test("does not collect without end", () => {
    const { output: out, writes } = output();
    for (let i = 0; i < 64; i++) out.write("x".repeat(1024));
    expect(writes.map(({ length }) => length)).toEqual([64 * 1024]);
  });

  test("keeps bytes that their owner changes later", async () => {
    const { output: out, writes } = output();
    const bytes = new Uint8Array([97]);
    out.write(bytes);
    bytes[0] = 98;
    await out.flush();
    expect(writes).toEqual(["a"]);
  });

  test("goes on after a part, and when a pipe was full", async () => {
    const { output: out, writes } = output(2, ["EAGAIN", "EINTR"]);
    out.write("abcde");
    await out.flush();
    expect(writes).toEqual(["ab", "cd", "e"]);
  });

  test("tells once that nobody reads, and then every writer", async () => {
    const { output: out, writes } = output(Infinity, ["EPIPE"]);
    const told: string[] = [];
    out.onBroken = ({ message }) => told.push(message);
    out.write("lost");
    await out.flush();
    expect(() => out.write("x")).toThrow("the output: EPIPE");
    await out.flush();
    expect(told).toEqual(["EPIPE"]);
    expect(writes).toEqual([]);
  });
});

test("a runtime ends although nobody reads its log", async () => {
  const code = `
    const { standardError } = await import("${file}");
    for (let i = 0; i < 100; i++) standardError.write("x".repeat(10_000));
    // Sleeps because the streams are to have begun to write.
    await new Promise((resolve) => setTimeout(resolve, 1));
    process.exit(7);`;
  const child = Bun.spawn([process.execPath, "-e", code], { stdout: "ignore", stderr: "pipe" });
  expect(await child.exited).toBe(7);
});

test("a reader that is slow gets everything that was written before the end", async () => {
  const code = `
    const { standardOutput } = await import("${file}");
    standardOutput.write("x".repeat(300_000));
    process.stderr.write("flushing");
    await standardOutput.flush();
    process.exit(0);`;
  const directory = mkdtempSync(join(tmpdir(), "wippy-output-"));
  cleanAfterTest(() => rmSync(directory, { recursive: true, force: true }));
  // Sleeps because a program that does not wait for its reader ends a moment after it began to flush.
  const read = "while ! grep -q flushing begun; do :; done; sleep 0.3; wc -c";
  const child = Bun.spawn([
    "sh",
    "-c",
    `"$0" -e "$1" 2>begun | { ${read}; }`,
    process.execPath,
    code,
  ], {
    cwd: directory,
    stdout: "pipe",
  });
  expect(Number(await new Response(child.stdout).text())).toBe(300_000);
});
