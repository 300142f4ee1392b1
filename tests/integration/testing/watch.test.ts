/** `wippy test --watch`: runs again when a file changes, whatever became of the run before. */
import { expect, test } from "bun:test";
import { resolve } from "node:path";
import { writeFiles } from "../../unit/app/temporary-application.ts";

const main = resolve(import.meta.dir, "../../../src/main.ts");

/** Waits until the output has a text behind what was waited for before. Returns what came between. */
function follow(output: ReadableStream<Uint8Array>): (text: string) => Promise<string> {
  const reader = output.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  return async (text) => {
    for (;;) {
      const at = rest.indexOf(text);
      if (at >= 0) {
        const between = rest.slice(0, at);
        rest = rest.slice(at + text.length);
        return between;
      }
      const { value, done } = await reader.read();
      if (done) throw new Error(`the output ended without ${text}: ${rest}`);
      rest += decoder.decode(value, { stream: true });
    }
  };
}

test("wippy test --watch runs again, says that it waits, and survives mistakes", async () => {
  const entry = (source: string) =>
    `version: "1.0"\nnamespace: app\nentries:\n  - { name: word, kind: library.lua, source: '${source}' }\n`;
  const directory = writeFiles({
    "wippy.lock": "directories: { src: ./src }\n",
    "src/_index.yaml": entry('return "one"'),
    "src/a_test.lua": `it("says", function() expect(require("word")):to_equal("one") end)\n`,
  });
  const flags = ["test", "--watch", "--coverage-output", "lcov.info"];
  const child = Bun.spawn([process.execPath, main, ...flags], {
    cwd: directory,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = [follow(child.stdout), follow(child.stderr)];
  await out("1 passed, 0 failed");
  await out("waiting for changes; Ctrl+C ends\n");
  await Bun.write(`${directory}/src/_index.yaml`, entry('return "two"'));
  await out("0 passed, 1 failed");
  await out("waiting for changes");
  await Bun.write(`${directory}/src/_index.yaml`, "namespace: [\n");
  await err("Error: ");
  await out("waiting for changes");
  await Bun.write(`${directory}/src/_index.yaml`, entry('return "one"'));
  await out("1 passed, 0 failed");
  await Bun.write(`${directory}/src/a_test.lua`, "it(");
  await out("the file cannot be loaded");
  await out("waiting for changes");
  // Sleeps because nothing tells that the coverage, which was written just now, has begun no other run.
  await Bun.sleep(500);
  await Bun.write(`${directory}/src/a_test.lua`, `it("is new", function() end)\n`);
  expect(await out("ok   is new")).not.toContain("cannot be loaded");
  child.kill("SIGTERM");
  await child.exited;
  expect(child.signalCode ?? child.exitCode).not.toBeNull();
}, 60_000);
