import { expect, test } from "bun:test";
import { bundleOptions } from "../../../build.ts";
import {
  collectWorks,
  type Metafile,
  noticeText,
  packageFolders,
  pageMetafile,
} from "../../../scripts/licenses.ts";

const of = (...files: string[]): Metafile => ({
  inputs: Object.fromEntries(files.map((file) => [file, {}])),
});
const names = (program: Metafile, page: Metafile = of()) =>
  collectWorks(program, page).map(({ name }) => name);

test("every package that the bundles read has a notice with a text", async () => {
  // As in build.ts, which makes the file: the bundle names it.
  const { metafile } = await Bun.build({
    ...bundleOptions(),
    external: ["*/licenses.txt"],
    metafile: true,
  });
  const works = collectWorks(metafile!, pageMetafile());
  const found = new Set(works.map(({ name }) => name));
  const read = packageFolders([
    ...Object.keys(metafile!.inputs),
    ...Object.keys(pageMetafile().inputs),
  ]).map((folder) => folder.split("node_modules/").at(-1)!);
  expect(read.length).toBeGreaterThan(20);
  expect(read.filter((name) => !found.has(name))).toEqual([]);
  expect(works.filter(({ text }) => text.trim().length < 200)).toEqual([]);
  for (const name of ["bun", "JavaScriptCore", "lua", "musl", "wasmoon", "highlight.js", "uplot"]) {
    expect(found).toContain(name);
  }
}, 60_000);

test("the Lua VM and the page bring their works only where they are embedded", () => {
  const base = names(of("src/main.ts"));
  expect(base).not.toContain("lua");
  expect(names(of("build/lua.wasm"))).toContain("lua");
  const page = of("node_modules/uplot/dist/uPlot.esm.js");
  expect(names(of("src/main.ts"), page)).not.toContain("uplot");
  expect(names(of("build/page/app.txt"), page)).toContain("uplot");
});

test("a package without a licence text stops the build", () => {
  expect(() => names(of("node_modules/hono/index.js"))).not.toThrow();
  // Published without a licence file, and not bundled: nobody has looked for its text.
  expect(() => names(of("node_modules/drizzle-kit/bin.cjs"))).toThrow(
    "the package drizzle-kit is bundled but has no licence file",
  );
});

test("an embedded file of unknown origin stops the build", () => {
  expect(() => names(of("build/natives.wasm"))).toThrow("build/natives.wasm is embedded, but");
});

test("a package inside of another is found", () => {
  expect(packageFolders([
    "node_modules/a/node_modules/@b/c/lib/x.js",
    "../../elsewhere/node_modules/d/y.js",
    "node_modules/.bun/e@1/node_modules/e/z.js",
    "src/main.ts",
  ])).toEqual([
    "../../elsewhere/node_modules/d",
    "node_modules/.bun/e@1/node_modules/e",
    "node_modules/a/node_modules/@b/c",
  ]);
});

test("the text begins with our own licence and heads each notice", () => {
  const text = noticeText([{ name: "x", version: "1.2.3", license: "MIT", text: " be nice \n" }]);
  expect(text).toStartWith("== wippy ");
  expect(text).toEndWith("\n\n\n== x 1.2.3 (MIT)\n\nbe nice\n");
});
