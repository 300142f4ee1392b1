import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { MessageReader } from "../../../src/lsp/message-reader.ts";
import { Workspace } from "../../../src/lsp/workspace.ts";
import { TextDocument } from "vscode-languageserver-textdocument";
import { PassThrough } from "node:stream";
import { Workbench } from "./application.ts";
import { Editor } from "./editor.ts";

let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
});
afterAll(async () => {
  expect(await bench.leave()).toBe(0);
});

const invalidParams = { code: -32602 };

describe("an editor that sends nonsense", () => {
  test.each([
    ["no header of a length", "Hello: there\r\n\r\n", -32700],
    ["what is no JSON", "Content-Length: 5\r\n\r\n{nope", -32700],
    ["a list", "Content-Length: 2\r\n\r\n[]", -32600],
    ["a number", "Content-Length: 1\r\n\r\n5", -32600],
    ["a request without a method", 'Content-Length: 24\r\n\r\n{"jsonrpc":"2.0","id":1}', -32600],
    ["a message that is too long", "Content-Length: 999999999999\r\n\r\n", -32700],
    ["a header that never ends", "x".repeat(9000), -32700],
  ])("gets an error for %s, and goes on", async (_what, bytes, code) => {
    const before = bench.editor.errors.length;
    bench.editor.write(bytes);
    await bench.editor.until(() => bench.editor.errors.length > before);
    expect(bench.editor.errors.at(-1)).toMatchObject({ id: null, error: { code } });
    bench.editor.write("\r\n\r\n");
    expect(await bench.editor.request("workspace/symbol", { query: "clerk" })).toHaveLength(1);
  });

  test("gets an error for parameters that are none", async () => {
    const uri = bench.uri("price.lua");
    const asked: [string, unknown][] = [
      ["textDocument/hover", undefined],
      ["textDocument/hover", { textDocument: 5, position: { line: 0, character: 0 } }],
      ["textDocument/hover", { textDocument: { uri }, position: { line: -1, character: "x" } }],
      ["textDocument/hover", { textDocument: { uri: "file:///nowhere.lua" }, position: {} }],
      ["textDocument/rename", { textDocument: { uri }, position: { line: 0, character: 0 } }],
      ["textDocument/codeAction", { textDocument: { uri }, range: 1, context: {} }],
      ["workspace/symbol", {}],
    ];
    for (const [method, params] of asked) {
      expect(await bench.editor.ask(method, params)).toMatchObject({ error: invalidParams });
    }
    expect(await bench.editor.ask("textDocument/unheardOf", {})).toMatchObject({
      error: { code: -32601 },
    });
  });

  test("loses nothing by notifications that are none", async () => {
    for (const method of ["didOpen", "didChange", "didClose"]) {
      bench.editor.notify(`textDocument/${method}`, { textDocument: { uri: 7 } });
      bench.editor.notify(`textDocument/${method}`, {});
    }
    bench.editor.notify("workspace/didChangeWorkspaceFolders", { event: { added: [{}] } });
    bench.editor.notify("workspace/didChangeConfiguration", { settings: 5 });
    expect(await bench.editor.request("workspace/symbol", { query: "clerk" })).toHaveLength(1);
  });

  test("may ask about places that are not there", async () => {
    bench.edit("price.lua", "local x = 1");
    const place = {
      textDocument: { uri: bench.uri("price.lua") },
      position: { line: 99, character: 99 },
    };
    for (const method of ["hover", "completion", "definition", "signatureHelp", "references"]) {
      expect(await bench.editor.ask(`textDocument/${method}`, place)).not.toHaveProperty("error");
    }
  });
});

test("answers wherever the cursor is, in texts that end anywhere", async () => {
  const text = bench.original("price.lua");
  for (let end = 0; end < text.length; end += 7) {
    const place = bench.at("price.lua", `${text.slice(0, end)}|`);
    for (const method of ["completion", "hover", "signatureHelp", "documentSymbol"]) {
      expect(await bench.editor.ask(`textDocument/${method}`, place)).not.toHaveProperty("error");
    }
  }
  const index = bench.original("_index.yaml");
  for (let end = 0; end < index.length; end += 23) {
    const place = bench.at("_index.yaml", `${index.slice(0, end)}|`);
    for (const method of ["completion", "hover", "definition", "documentSymbol"]) {
      expect(await bench.editor.ask(`textDocument/${method}`, place)).not.toHaveProperty("error");
    }
  }
  bench.edit("_index.yaml", index);
});

test("does not look at a text that is too long", async () => {
  const place = bench.at("price.lua", `${"local x = 1\n".repeat(90_000)}|`);
  expect(await bench.editor.request("textDocument/completion", place)).toBeNull();
  const version = bench.version("price.lua");
  const [only, ...others] = await bench.editor.diagnostics(
    bench.uri("price.lua"),
    (told) => told.version === version,
  );
  expect(only!.message).toContain("too long");
  expect(others).toEqual([]);
  bench.edit("price.lua", "");
});

test("answers a text that nests deeply", async () => {
  for (const text of ["return " + "(".repeat(20_000), "local x = y" + ".z".repeat(20_000)]) {
    const place = bench.at("price.lua", `${text}|`);
    for (const method of ["completion", "hover", "documentSymbol", "semanticTokens/full"]) {
      expect(await bench.editor.ask(`textDocument/${method}`, place)).not.toHaveProperty("error");
    }
    const version = bench.version("price.lua");
    const found = await bench.editor.diagnostics(
      bench.uri("price.lua"),
      (told) => told.version === version,
    );
    expect(found.length).toBeGreaterThan(0);
  }
});

test("applies edits of a part, counted in UTF-16", async () => {
  bench.edit("price.lua", 'local a = "é😀"\nlocal bee = a\nreturn bee');
  bench.editor.notify("textDocument/didChange", {
    textDocument: { uri: bench.uri("price.lua"), version: 1000 },
    contentChanges: [
      { range: { start: { line: 0, character: 11 }, end: { line: 0, character: 14 } }, text: "ß" },
      { range: { start: { line: 1, character: 12 }, end: { line: 1, character: 13 } }, text: "zz" },
    ],
  });
  const found = await bench.editor.diagnostics(
    bench.uri("price.lua"),
    ({ version }) => version === 1000,
  );
  expect(found.map(({ code, range }) => [code, range.start])).toContainEqual([
    "E0001",
    { line: 1, character: 12 },
  ]);
  bench.close("price.lua");
});

test("answers a request that is cancelled", async () => {
  const place = bench.before("price.lua", "basket.items");
  const answers = await Promise.all(
    ["completion", "hover"].map((method) =>
      bench.editor.ask(
        `textDocument/${method}`,
        place,
        (id) => bench.editor.notify("$/cancelRequest", { id }),
      )
    ),
  );
  for (const { error } of answers) expect(error).toMatchObject({ code: -32800 });
});

test("serves folders that come and go, and scripts of no application", async () => {
  const folder = mkdtempSync(join(tmpdir(), "wippy-lsp-"));
  try {
    writeFileSync(join(folder, "wippy.lock"), "directories: { src: . }\n");
    writeFileSync(
      join(folder, "_index.yaml"),
      "namespace: other\nentries:\n  - { name: host, kind: process.hst }\n",
    );
    const { href: uri } = pathToFileURL(folder);
    const event = { added: [{ uri, name: "other" }], removed: [] };
    bench.editor.notify("workspace/didChangeWorkspaceFolders", { event });
    const [fault] = await bench.editor.diagnostics(`${uri}/_index.yaml`);
    expect(fault!.message).toContain('did you mean "process.host"?');
    expect(await bench.editor.request("workspace/symbol", { query: "other:host" })).toHaveLength(1);
    const back = { added: [], removed: [{ uri, name: "other" }] };
    bench.editor.notify("workspace/didChangeWorkspaceFolders", { event: back });
    const gone = await bench.editor.diagnostics(
      `${uri}/_index.yaml`,
      ({ diagnostics }) => diagnostics.length === 0,
    );
    expect(gone).toEqual([]);
    const script = "untitled:script.lua";
    const text = 'local fs = require("fs")\nprint(fs.get, arg[1], nothing)\n';
    bench.editor.notify("textDocument/didOpen", {
      textDocument: { uri: script, languageId: "lua", version: 1, text },
    });
    const [only, ...others] = await bench.editor.diagnostics(script);
    expect(only!.message).toContain("nothing defines the global nothing");
    expect(others).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("ends when the editor vanishes, and keeps nothing of closed documents", async () => {
  const editor = new Editor();
  await editor.request("initialize", { processId: null, rootUri: null, capabilities: {} });
  editor.vanish();
  expect(await editor.status).toBe(1);
  const workspace = new Workspace();
  for (let at = 0; at < 100; at++) {
    const uri = `file:///tmp/no-such-folder/${at}.lua`;
    workspace.open(TextDocument.create(uri, "lua", 1, "x = 1"));
    workspace.close(uri);
  }
  expect(workspace.documents).toEqual([]);
});

test("reads a file anew when it has changed, and keeps what it knows of one that has not", () => {
  const folder = mkdtempSync(join(tmpdir(), "wippy-lsp-"));
  try {
    const path = join(folder, "a.lua");
    writeFileSync(path, "return 1");
    const workspace = new Workspace();
    const first = workspace.source(path);
    workspace.forgetFiles();
    expect(workspace.source(path)).toBe(first!);
    writeFileSync(path, "return 2");
    workspace.forgetFiles();
    expect(workspace.source(path)!.text).toBe("return 2");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("reads messages however they are cut", () => {
  const input = new PassThrough();
  const found: unknown[] = [];
  const reader = new MessageReader(input, (code) => found.push(code));
  reader.listen((message) => found.push(message));
  const body = JSON.stringify({ jsonrpc: "2.0", method: "x", params: ["é😀"] });
  const header = `Content-Type: x\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
  const bytes = Buffer.from(`${header}${body}`.repeat(2));
  for (const byte of bytes) input.emit("data", Buffer.from([byte]));
  expect(found).toEqual([JSON.parse(body), JSON.parse(body)]);
});
