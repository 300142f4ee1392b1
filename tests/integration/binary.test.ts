import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { root } from "../../scripts/sources.ts";

const built = join(root, "dist/wippy");
let folder: string;
let wippy: string;

/** A fresh copy of an example, in a folder of its own. */
function copyOf(example: string): string {
  const copy = mkdtempSync(join(folder, `${example}-`));
  cpSync(join(root, "examples", example), copy, { recursive: true });
  return copy;
}

/** Replaces a text of a file that must be there. */
function edit(copy: string, path: string, text: string, replacement: string): void {
  const source = readFileSync(join(copy, path), "utf8");
  if (!source.includes(text)) throw new Error(`${path} has no ${text}`);
  writeFileSync(join(copy, path), source.replace(text, replacement));
}

/** Starts the executable with nothing of this repository, or of the machine, in its environment. */
function start(cwd: string, ...args: string[]) {
  return Bun.spawn([wippy, ...args], {
    cwd,
    env: { HOME: folder, PATH: "" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function run(cwd: string, ...args: string[]) {
  const child = start(cwd, ...args);
  const [out, err, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { out, err, status };
}

/** Reads a stream until the text is there; fails with what came where the stream ends before. */
async function readUntil(stream: ReadableStream<Uint8Array>, text: string): Promise<string> {
  let read = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    read += decoder.decode(chunk, { stream: true });
    if (read.includes(text)) return read;
  }
  throw new Error(`the output ended before ${JSON.stringify(text)}: ${JSON.stringify(read)}`);
}

beforeAll(() => {
  if (!existsSync(built)) {
    throw new Error("dist/wippy is missing: run `scripts/bun build.ts` first");
  }
  folder = mkdtempSync(join(tmpdir(), "wippy-binary-"));
  wippy = join(folder, "wippy");
  cpSync(built, wippy);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the executable, alone in an empty folder", () => {
  test("says its version", async () => {
    const { out, status } = await run(folder, "version", "--short");
    expect({ out, status }).toEqual({ out: `${manifest.version}\n`, status: 0 });
  });

  test("knows nothing of the folder that it was built in", async () => {
    expect(Buffer.from(await Bun.file(wippy).arrayBuffer()).includes(root)).toBe(false);
  });

  test("holds the licence notice of every package that it contains", async () => {
    const { out, status } = await run(folder, "version", "--licenses");
    expect(status).toBe(0);
    // Source maps name the files that the bundle was made of; Bun's own program names some for other reasons.
    const packagesIn = async (path: string) => {
      const text = Buffer.from(await Bun.file(path).arrayBuffer()).latin1Slice();
      const files = text.matchAll(
        /node_modules\/((?:@[\w.-]+\/)?[\w-][\w.-]*)\/[\w./-]*?\.[cm]?[jt]sx?/g,
      );
      return new Set([...files].map(([, name]) => name!));
    };
    const bundled = (await packagesIn(wippy)).difference(await packagesIn(process.execPath));
    expect(bundled.size).toBeGreaterThan(20);
    const noticed = [...out.matchAll(/^== (\S+)(?: \S+)? \(.+\)\n\n(.*)/gm)];
    const names = new Set(noticed.map(([, name]) => name!));
    expect([...bundled.difference(names)]).toEqual([]);
    expect([...names]).toContainValues([
      "bun",
      "lua",
      "wasmoon",
      "preact",
      "uplot",
      "highlight.js",
    ]);
    expect(noticed.filter(([, , firstLine]) => firstLine === "")).toEqual([]);
  });

  test("a folder cannot have it load JavaScript or variables", async () => {
    const hostile = mkdtempSync(join(folder, "hostile-"));
    writeFileSync(join(hostile, "bunfig.toml"), 'preload = ["./first.js"]\n');
    writeFileSync(join(hostile, "first.js"), 'console.log("loaded")');
    writeFileSync(join(hostile, ".env"), "PLANTED=yes\n");
    writeFileSync(join(hostile, "ask.lua"), 'print(os.getenv("PLANTED"))');
    expect(await run(hostile, "ask.lua")).toEqual({ out: "nil\n", err: "", status: 0 });
  });

  test("runs a function, a process and a workflow", async () => {
    const { out, err, status } = await run(copyOf("hello"), "run", "hello", "Ada");
    expect(out.split("\n")).toEqual([
      "function: Hello, Ada!",
      "process:  greeted Ada 1 times",
      "process:  greeted Ada 2 times",
      "process:  greeted Ada 3 times",
      "workflow: started; kill me now and start me again",
      "workflow: Hello, Ada! This took three seconds, whatever happened meanwhile.",
      "",
    ]);
    expect({ err, status }).toEqual({ err: "", status: 0 });
  });

  test("killed in a workflow and started again, it goes on without doing a step twice", async () => {
    const copy = copyOf("hello");
    // The function logs each call, with -c to standard output. Once the second step runs, the first one's result is on disk.
    edit(
      copy,
      "src/greet.lua",
      'return "Hello',
      'print("greet ran for " .. name)\n  return "Hello',
    );
    edit(
      copy,
      "src/welcome.lua",
      "time.sleep(",
      'funcs.call("hello:greet", "step two")\n  time.sleep(',
    );
    const first = start(copy, "run", "-c", "hello", "Ada");
    await readUntil(first.stdout, "greet ran for step two");
    first.kill("SIGKILL");
    await first.exited;

    const { out, status } = await run(copy, "run", "-c", "hello", "Ada");
    expect(out).toContain("workflow: Hello, Ada! This took three seconds");
    expect(status).toBe(0);
    // The command itself calls the function once.
    expect(out.match(/greet ran for Ada/g)).toHaveLength(1);
  });

  test("names everything that is wrong with an application, and runs nothing", async () => {
    const copy = mkdtempSync(join(folder, "faulty-"));
    mkdirSync(join(copy, "src"));
    writeFileSync(join(copy, "wippy.lock"), "directories: { src: ./src, modules: .wippy }\n");
    writeFileSync(join(copy, "src/broken.lua"), "local x =\n");
    writeFileSync(
      join(copy, "src/_index.yaml"),
      [
        "namespace: app",
        "entries:",
        "  - { name: a, kind: functon.lua, source: file://a.lua }",
        "  - { name: b, kind: function.lua, source: file://missing.lua, method: main }",
        "  - { name: c, kind: function.lua, source: file://broken.lua, method: main }",
        "",
      ].join("\n"),
    );
    const { out, err, status } = await run(copy, "run");
    expect(status).toBe(1);
    expect(out).toBe("");
    expect(err).toContain("src/_index.yaml:3:");
    expect(err).toContain('"function.lua"');
    expect(err).toContain("missing.lua");
    expect(err).toContain("app:c");
    expect(err).not.toContain("    at ");
  });
});
