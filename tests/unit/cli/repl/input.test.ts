import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { History } from "../../../../src/cli/repl/history.ts";
import { historyLimit, LineInput, type LineOptions } from "../../../../src/cli/repl/input.ts";
import { cleanAfterTest } from "../../../cleanup.ts";
import { until } from "../../../until.ts";

/** An input whose keys are written to `stdin`; what was shown is in `shown()`. */
function open(isTTY: boolean, options: Partial<LineOptions> = {}) {
  const stdin = Object.assign(new PassThrough(), { isTTY, setRawMode: () => {} });
  const stdout = new PassThrough();
  let text = "";
  stdout.on("data", (data) => text += String(data));
  const written: string[] = [];
  const interrupted: boolean[] = [];
  const input = new LineInput({
    stdin,
    stdout,
    stderr: new PassThrough(),
    history: [],
    complete: () => Promise.resolve([]),
    written: (line) => written.push(line),
    interrupted: (writing) => interrupted.push(writing),
    ...options,
  });
  cleanAfterTest(() => input.close());
  return { input, stdin, written, interrupted, shown: () => text };
}

const never = new AbortController().signal;
const decode = (data: Uint8Array | undefined) => data && new TextDecoder().decode(data);

test("lines come in order to whoever asks, then the end", async () => {
  const { input, stdin, shown } = open(false);
  stdin.end("one\ntwo\nthree\nfour");
  expect(await input.next("> ")).toBe("one");
  expect(decode(await input.readLine(never))).toBe("two");
  expect(decode(await input.read(3, never))).toBe("thr");
  expect(decode(await input.read(10, never))).toBe("ee\n");
  expect(await input.next("> ")).toBe("four");
  expect(await input.next("> ")).toBeUndefined();
  expect(await input.readLine(never)).toBeUndefined();
  expect(shown()).toBe("");
});

test("a question that is given up loses no line", async () => {
  const { input, stdin } = open(false);
  const controller = new AbortController();
  const asked = input.readLine(controller.signal);
  controller.abort(new Error("over"));
  expect(asked).rejects.toThrow("over");
  stdin.end("one\n");
  expect(await input.next("> ")).toBe("one");
});

test("a person sees the prompt and has history and completion", async () => {
  const { input, stdin, written, shown } = open(true, {
    history: ["older", "newer"],
    complete: (text) => Promise.resolve(text === "x = proc" ? ["process"] : []),
  });
  let line = input.next("> ");
  stdin.write("\x1b[A\x1b[A\r");
  expect(await line).toBe("older");
  line = input.next(">> ");
  stdin.write("x = proc\t");
  await until(() => shown().includes("x = process"));
  stdin.write("\r");
  expect(await line).toBe("x = process");
  expect(written).toEqual(["older", "x = process"]);
  expect(shown()).toContain("> older");
  expect(shown()).toContain(">> ");
  expect(shown()).toContain("x = process");
});

test("text of the background stands above the line that is being written", async () => {
  const { input, stdin, shown } = open(true);
  const line = input.next("> ");
  stdin.write("half");
  await until(() => shown().includes("half"));
  input.write("background\n");
  stdin.write("\r");
  expect(await line).toBe("half");
  const after = shown().split("\r\x1b[Kbackground\n")[1];
  expect(after).toContain("> half");
});

test("Ctrl+C says whether a line is being written, and clear drops it", async () => {
  const { input, stdin, interrupted } = open(true);
  const line = input.next("> ");
  stdin.write("half\x03");
  await until(() => interrupted.length === 1);
  expect(interrupted).toEqual([true]);
  input.clear();
  expect(await line).toBe("");
  stdin.write("\x03");
  await until(() => interrupted.length === 2);
  expect(interrupted).toEqual([true, false]);
  const next = input.next("> ");
  stdin.write("whole\r");
  expect(await next).toBe("whole");
});

test("history is kept for its owner, without repetitions, and does not grow for ever", () => {
  const folder = mkdtempSync(join(tmpdir(), "wippy-history-"));
  cleanAfterTest(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "wippy/repl-history");
  const history = new History(path);
  expect(history.load()).toEqual([]);
  for (const line of ["one", "", "one", "two", "  ", "one"]) history.add(line);
  expect(new History(path).load()).toEqual(["one", "two", "one"]);
  expect(statSync(path).mode & 0o777).toBe(0o600);

  const lines = Array.from({ length: 2 * historyLimit + 1 }, (_, index) => `line ${index}`);
  writeFileSync(path, `${lines.join("\n")}\n`);
  expect(history.load()).toEqual(lines.slice(-historyLimit));
  expect(readFileSync(path, "utf8").split("\n")).toHaveLength(historyLimit + 1);
});
