import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { placeThreads } from "../../../build.ts";
import { root } from "../../../scripts/sources.ts";

const embedded = "file:///$bunfs/root/";
const place = (text: string, path: string) => placeThreads(text, join(root, path), embedded);

describe("placeThreads", () => {
  test("names a thread by its place in the executable", () => {
    const text = `new Worker(new URL("./thread.ts", import.meta.url).href, { name: "x" })`;
    expect(place(text, "src/worker/worker.ts")).toBe(
      `new Worker(new URL("file:///$bunfs/root/worker/thread.js").href, { name: "x" })`,
    );
    expect(place(text, "src/workflows/providers/sqlite/link/link.ts")).toContain(
      `new URL("file:///$bunfs/root/workflows/providers/sqlite/link/thread.js")`,
    );
  });

  test("finds it from another folder and over lines", () => {
    const text = `new URL("../worker/thread.ts",\n  import.meta.url,\n)`;
    expect(place(text, "src/node/pool.ts")).toBe(
      `new URL("file:///$bunfs/root/worker/thread.js")`,
    );
  });

  test("refuses a thread that the executable would lack", () => {
    expect(() => place(`new URL("./other.ts", import.meta.url)`, "src/node/pool.ts")).toThrow(
      "names src/node/other.ts, which is not among the entrypoints of build.ts",
    );
  });

  test("leaves everything else alone", () => {
    const text =
      `const url = new URL("./data.json", import.meta.url); new URL(base, import.meta.url)`;
    expect(place(text, "src/node/pool.ts")).toBe(text);
  });
});
