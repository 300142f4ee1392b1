import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../../scripts/sources.ts";
import { SourceText } from "../../../src/lsp/source-text.ts";
import { Workbench } from "./application.ts";
import type { Range } from "./editor.ts";

let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
  mkdirSync(join(bench.directory, "node_modules"));
  symlinkSync(
    join(root, "node_modules/@johnnymorganz"),
    join(bench.directory, "node_modules/@johnnymorganz"),
  );
  writeFileSync(
    join(bench.directory, "stylua.toml"),
    'indent_type = "Spaces"\nindent_width = 2\n',
  );
});
afterAll(async () => {
  expect(await bench.leave()).toBe(0);
});

const options = { tabSize: 8, insertSpaces: false };

interface Change {
  range: Range;
  newText: string;
}

/** A text with the changes that the server wants to make to it. */
async function formatted(text: string, range?: Range): Promise<{ text: string; edits: Change[] }> {
  bench.edit("order.lua", text);
  const textDocument = { uri: bench.uri("order.lua") };
  const edits = await bench.editor.request<Change[]>(
    range ? "textDocument/rangeFormatting" : "textDocument/formatting",
    { textDocument, options, ...(range && { range }) },
  );
  const { document } = SourceText.of("file:///a.lua", text);
  let result = text;
  for (const { range, newText } of edits.toReversed()) {
    result = result.slice(0, document.offsetAt(range.start)) + newText +
      result.slice(document.offsetAt(range.end));
  }
  return { text: result, edits };
}

function lines(first: number, last: number): Range {
  return { start: { line: first, character: 0 }, end: { line: last, character: 3 } };
}

test("a document is formatted by the settings of its folder, types included", async () => {
  const text = "-- é😀\nlocal function f(x:number):string\nreturn 'a'\nend\nprint(f)\n";
  expect(await formatted(text)).toEqual({
    text: '-- é😀\nlocal function f(x: number): string\n  return "a"\nend\nprint(f)\n',
    edits: [{
      range: { start: { line: 1, character: 0 }, end: { line: 3, character: 0 } },
      newText: 'local function f(x: number): string\n  return "a"\n',
    }],
  });
  expect((await formatted("local x: number = 1\n")).edits).toEqual([]);
  expect((await formatted("local  x")).text).toBe("local x\n");
  expect((await formatted("local  x = 1\nlocal y")).text).toBe("local x = 1\nlocal y\n");
});

test("of a selection its statements are formatted, and nothing around them", async () => {
  const text =
    "#!/usr/bin/env wippy\nlocal  e:string='é'\nlocal  a:number=1\nif  a then\nprint ( a )\nend\n" +
    "local  b:number=2\n";
  expect((await formatted(text, lines(2, 5))).text).toBe(
    "#!/usr/bin/env wippy\nlocal  e:string='é'\nlocal a: number = 1\nif a then\n  print(a)\nend\n" +
      "local  b:number=2\n",
  );
  expect((await formatted(text, lines(4, 4))).text).toBe(text.replace("print ( a )", "  print(a)"));
  // Half of a statement is left as it is.
  expect((await formatted(text, lines(3, 3))).edits).toEqual([]);
  expect((await formatted(text, lines(900, 910))).edits).toEqual([]);
  expect((await formatted(text, lines(0, 910))).text).toContain('local e: string = "é"\n');
});

test("what cannot be formatted is said, and what is no Lua is not formatted", async () => {
  bench.edit("order.lua", "local x = 1\nlocal = 2\n");
  const textDocument = { uri: bench.uri("order.lua") };
  expect((await bench.editor.ask("textDocument/formatting", { textDocument, options }))["error"])
    .toEqual({ code: -32803, message: "line 2, column 7: <name> expected near '='" });
  const yaml = { textDocument: { uri: bench.uri("_index.yaml") }, options };
  expect(await bench.editor.request("textDocument/formatting", yaml)).toBeNull();
  bench.edit("order.lua", "local  x = 1\n");
  const packages = join(bench.directory, "node_modules");
  renameSync(packages, `${packages}-away`);
  const { error } = await bench.editor.ask("textDocument/formatting", { textDocument, options });
  renameSync(`${packages}-away`, packages);
  expect(error).toEqual({
    code: -32803,
    message: "StyLua, which formats, is not installed: run " +
      `"npm install --save-dev @johnnymorganz/stylua" in the folder of the application`,
  });
});

test("an editor that takes registrations is told that only Lua is formatted", async () => {
  const { editor } = bench;
  const formatting = { dynamicRegistration: true };
  const one = await Workbench.open({ formatting, rangeFormatting: formatting });
  await one.editor.until(() => one.editor.registered.length >= 2);
  expect(one.editor.registered).toEqual([
    { method: "textDocument/formatting", registerOptions: lua },
    { method: "textDocument/rangeFormatting", registerOptions: lua },
  ]);
  expect(one.capabilities).toMatchObject({ documentFormattingProvider: false });
  await one.leave();
  expect(editor.registered).toEqual([]);
  expect(bench.capabilities).toMatchObject({
    documentFormattingProvider: true,
    documentRangeFormattingProvider: true,
  });
});

const lua = { documentSelector: [{ language: "lua" }] };
