import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { tokenTypes } from "../../../src/lsp/semantic-tokens.ts";
import { type Place, Workbench } from "./application.ts";
import type { Range } from "./editor.ts";

interface Location {
  uri: string;
  range: Range;
}

let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
});
afterAll(async () => {
  expect(await bench.leave()).toBe(0);
});

async function labels(place: Place): Promise<string[]> {
  const { items } = await bench.editor.request<{ items: { label: string }[] }>(
    "textDocument/completion",
    place,
  );
  return items.map(({ label }) => label);
}

/** `file: text` of each place. */
async function places(method: string, place: Place, rest = {}): Promise<string[]> {
  const found = await bench.editor.request<Location[]>(method, { ...place, ...rest });
  return found.map(({ uri, range }) =>
    `${uri.slice(uri.lastIndexOf("/") + 1)}:${range.start.line + 1}: ${bench.shown(uri, range)}`
  );
}

async function hover(place: Place): Promise<string> {
  const found = await bench.editor.request<{ contents: { value: string } } | null>(
    "textDocument/hover",
    place,
  );
  return found?.contents.value ?? "";
}

function told(file: string) {
  const version = bench.version(file);
  return bench.editor.diagnostics(bench.uri(file), (found) => found.version === version);
}

describe("diagnostics", () => {
  test("tell syntax, types, names and style of an unsaved document, in UTF-16", async () => {
    bench.edit("price.lua", bench.original("price.lua"));
    const lines = [
      "local time, json = require('time'), require('jsn')",
      "local count: integer = '😀' .. 'x'",
      "local text = '😀' .. missing",
      "return { main = function() return count end }",
    ];
    bench.edit("price.lua", lines.join("\n"));
    const found = await told("price.lua");
    const shown = found.map(({ code, range }) =>
      `${code} ${range.start.line + 1} ${bench.shown(bench.uri("price.lua"), range)}`
    );
    expect(shown.sort()).toEqual([
      "E0000 2 '😀' .. 'x'",
      "E0001 3 missing",
      "E0090 1 'jsn'",
      "W0004 1 json",
      "W0004 1 time",
      "W0004 3 text",
      "W0006 1 json",
      "W0006 1 time",
    ]);
  });

  test("tell several faults of syntax, and vanish when they are mended", async () => {
    bench.edit("price.lua", "local = 1\nlocal b = \nlocal c = = 2\n");
    const faults = await told("price.lua");
    expect(faults.map(({ code }) => code)).toEqual(["P0001", "P0001", "P0001", "P0001"]);
    bench.edit("price.lua", bench.original("price.lua"));
    expect(await told("price.lua")).toEqual([]);
  });

  test("tell an unknown entry, and what is wrong with definitions", async () => {
    bench.edit("order.lua", bench.original("order.lua").replace("shop:price", "shop:prise"));
    const [unknown] = await told("order.lua");
    expect(unknown!.message).toBe('entry not found: shop:prise\ndid you mean "shop:price"?');
    bench.edit("order.lua", bench.original("order.lua"));
    expect(await told("order.lua")).toEqual([]);
    bench.edit("_index.yaml", bench.original("_index.yaml").replace("process.lua", "proces.lua"));
    const found = await bench.editor.diagnostics(bench.uri("_index.yaml"));
    const kind = found.find(({ message }) => message.includes("unknown kind"))!;
    expect(bench.shown(bench.uri("_index.yaml"), kind.range)).toBe("proces.lua");
    bench.edit("_index.yaml", `${bench.original("_index.yaml")}  - name: [\n`);
    const broken = await bench.editor.diagnostics(
      bench.uri("_index.yaml"),
      ({ diagnostics }) => diagnostics.some(({ message }) => message.includes("not valid YAML")),
    );
    expect(broken.length).toBeGreaterThan(0);
    bench.edit("_index.yaml", bench.original("_index.yaml"));
    await bench.editor.diagnostics(
      bench.uri("_index.yaml"),
      (each) => each.diagnostics.length === 0,
    );
  });
});

test("a change of a library shows in those who import it", async () => {
  bench.edit("price.lua", bench.original("price.lua"));
  bench.edit("sums.lua", bench.original("sums.lua").replace("list: {number}", "list: string"));
  const uri = bench.uri("price.lua");
  const [fault] = await bench.editor.diagnostics(uri, (found) => found.diagnostics.length > 0);
  expect(fault!.message).toContain("argument 1: expected string, got {number}");
  bench.edit("sums.lua", bench.original("sums.lua"));
  await bench.editor.diagnostics(uri, (found) => found.diagnostics.length === 0);
});

test("faults of code inside a definition file are told at their place there", async () => {
  const inline = `  - name: inline
    kind: function.lua
    method: main
    source: |
      local word = "é😀" .. nothing
      return { main = function() return word end }
  - { name: short, kind: library.lua, source: "return missing" }
`;
  const index = bench.original("_index.yaml");
  bench.edit("_index.yaml", index + inline);
  const uri = bench.uri("_index.yaml");
  const found = await bench.editor.diagnostics(uri, ({ diagnostics }) => diagnostics.length > 1);
  expect(found.map(({ code, range }) => `${code} ${bench.shown(uri, range)}`)).toEqual([
    "E0001 nothing",
    "E0001 missing",
  ]);
  bench.edit("_index.yaml", index);
});

describe("completion", () => {
  test("of modules after require: listed ones and imports first, others with what they need", async () => {
    const found = await labels(bench.at("price.lua", 'local x = require("|'));
    expect(found.slice(0, 3)).toEqual(["sums", "time", "json"]);
    expect(found).toContain("http_client");
  });

  test("of members of modules, imports and tables", async () => {
    expect(await labels(bench.at("price.lua", 'local t = require("time")\nt.|\n'))).toContain(
      "sleep",
    );
    expect(await labels(bench.at("price.lua", 'local s = require("sums")\nf(s.|)\n'))).toEqual([
      "total",
    ]);
    const own = "local t = { first = 1 }\nfunction t.second() end\nfunction t:third() end\nt.fi|\n";
    expect(await labels(bench.at("price.lua", own))).toEqual(["first", "second", "third"]);
    const typed = "type P = { x: number, y: number }\nlocal p: P = { x = 1, y = 2 }\nreturn p.|";
    expect(await labels(bench.at("price.lua", typed))).toEqual(["x", "y"]);
    expect(await labels(bench.at("price.lua", "return string.u|"))).toContain("upper");
  });

  test("of what functions of modules and libraries return", async () => {
    const now = 'local time = require("time")\nlocal t = time.now()\n';
    const methods = await labels(bench.at("price.lua", `${now}t:|\n`));
    expect(methods).toContain("format_rfc3339");
    expect(methods).not.toContain("receive");
    expect(await labels(bench.at("price.lua", `${now}local d = t:sub(t)\nd:|\n`))).toEqual([
      "nanoseconds",
      "microseconds",
      "milliseconds",
      "seconds",
      "minutes",
      "hours",
    ]);
    bench.edit(
      "sums.lua",
      "type Sum = { total: number }\nlocal sums = {}\nfunction sums.of(): Sum return { total = 1 } end\nreturn sums\n",
    );
    const sums = 'local s = require("sums")\nlocal r = s.of()\nprint(r.|)\n';
    expect(await labels(bench.at("price.lua", sums))).toEqual(["total"]);
    // Without annotations, by what the code puts into it.
    bench.edit(
      "sums.lua",
      "local sums = {}\nfunction sums.of(list)\n  if not list then return nil, 'none' end\n" +
        "  local made = { total = #list }\n  made.first = list[1]\n  return made\nend\nreturn sums\n",
    );
    expect(await labels(bench.at("price.lua", sums))).toEqual(["total", "first"]);
    bench.edit("sums.lua", bench.original("sums.lua"));
  });

  test("of locals and globals, not of what is not visible", async () => {
    const text =
      "local outer = 1\ndo local gone = 2 end\nlocal function f(arg)\n  return |\nend\nlocal late = 3\n";
    const found = await labels(bench.at("price.lua", text));
    expect(found.slice(0, 3).sort()).toEqual(["arg", "f", "outer"]);
    expect(found).toContain("pcall");
    expect(found).toContain("process");
    expect(found).not.toContain("gone");
    expect(found).not.toContain("late");
    expect(await labels(bench.at("price.lua", "-- a comment |"))).toEqual([]);
    expect(found).not.toContain("describe");
    expect(await labels(bench.at("price_test.lua", "|"))).toContain("describe");
    bench.close("price_test.lua");
  });

  test("of entries in calls", async () => {
    const found = await labels(
      bench.at("order.lua", 'local funcs = require("funcs")\nfuncs.call("sh|")\n'),
    );
    expect(found.sort()).toEqual(["shop:clerk", "shop:order", "shop:price"]);
  });

  test("in definitions: kinds, fields, modules, references, files", async () => {
    const index = bench.original("_index.yaml");
    const written = (text: string) => labels(bench.at("_index.yaml", index + text));
    expect(await written("  - name: x\n    kind: |")).toContain("function.lua");
    const fields = await written("  - name: x\n    kind: function.lua\n    |");
    expect(fields).toContain("source");
    expect(fields).not.toContain("kind");
    expect(await written("  - name: x\n    kind: function.lua\n    modules: [ti|")).toContain(
      "time",
    );
    expect(await written("  - name: x\n    kind: function.lua\n    modules:\n      - |")).toContain(
      "time",
    );
    expect(await written("  - name: x\n    kind: process.supervisor\n    host: |")).toEqual([
      "shop:processes",
    ]);
    expect(await written("  - name: x\n    kind: function.lua\n    source: |")).toContain(
      "file://price.lua",
    );
    const children =
      "  - name: x\n    kind: process.supervisor\n    children:\n      - { id: a, process: |";
    expect(await written(children)).toContain("clerk");
    bench.edit("_index.yaml", index);
  });
});

describe("hover and signatures", () => {
  test("show documentation of modules, functions and entries", async () => {
    expect(await hover(bench.before("price.lua", 'sleep("1ms")'))).toContain(
      "time.sleep(d: DurationValue)",
    );
    expect(await hover(bench.before("price.lua", "total(basket"))).toBe(
      "```lua\nfunction sums.total(list: {number}, start: number?): number\n```\n\nAdds a list of numbers.",
    );
    expect(await hover(bench.before("price.lua", "main = main"))).toBe("");
    expect(await hover(bench.before("price.lua", "main(basket"))).toContain("What somebody pays.");
    expect(await hover(bench.before("price.lua", "basket.items"))).toContain("basket: Basket");
    expect(await hover(bench.before("order.lua", "shop:price"))).toContain("what a basket costs");
    expect(await hover(bench.before("_index.yaml", "json]"))).toContain("JSON");
    expect(await hover(bench.before("_index.yaml", "function.lua"))).toContain("`source`");
    expect(await hover(bench.before("_index.yaml", "method: main"))).toContain("string");
  });

  test("show which argument is being written", async () => {
    interface Help {
      signatures: { label: string }[];
      activeParameter: number;
    }
    const ask = (text: string) =>
      bench.editor.request<Help | null>("textDocument/signatureHelp", bench.at("price.lua", text));
    const help = await ask('local s = require("sums")\nlocal x = s.total({ 1, 2 }, |');
    expect(help!.signatures[0]!.label).toBe("sums.total(list: {number}, start: number?): number");
    expect(help!.activeParameter).toBe(1);
    const added = await ask('local time = require("time")\nlocal t = time.now()\nt:add_date(1, |');
    expect(added!.signatures[0]!.label).toBe(
      "Time:add_date(years: number, months: number, days: number): Time",
    );
    expect(added!.activeParameter).toBe(1);
    const format = await ask("string.format('x', 1, 2, |)");
    expect(format!.activeParameter).toBe(1);
    expect(await ask("local x = (1 + |")).toBeNull();
  });
});

describe("navigation", () => {
  test("goes to locals, members of libraries, entries and files", async () => {
    bench.edit("_index.yaml", bench.original("_index.yaml"));
    const go = (place: Place) => places("textDocument/definition", place);
    expect(await go(bench.before("price.lua", "main = main"))).toEqual([]);
    expect(await go(bench.before("price.lua", "size, owner"))).toEqual(["price.lua:8: size"]);
    expect(await go(bench.before("price.lua", "total(basket"))).toEqual(["sums.lua:4: total"]);
    expect(await go(bench.before("price.lua", 'sums")'))).toEqual(["sums.lua:1: "]);
    expect(await go(bench.before("order.lua", "shop:price"))).toEqual(["price.lua:7: main"]);
    const declaration = bench.before("order.lua", "shop:price");
    expect(await places("textDocument/declaration", declaration)).toEqual(["_index.yaml:6: price"]);
    expect(await go(bench.before("_index.yaml", "file://price.lua"))).toEqual(["price.lua:1: "]);
    expect(await go(bench.before("_index.yaml", "clerk }"))).toEqual(["_index.yaml:22: clerk"]);
    expect(await go(bench.before("_index.yaml", "shop:sums"))).toEqual(["_index.yaml:19: sums"]);
    expect(await go(bench.before("_index.yaml", "main\n    modules: [time"))).toEqual([
      "price.lua:7: main",
    ]);
  });

  test("finds what names an entry, in code and definitions", async () => {
    const context = { includeDeclaration: true };
    const found = await places("textDocument/references", bench.before("order.lua", "shop:price"), {
      context,
    });
    expect(found).toEqual(["_index.yaml:6: price", "order.lua:4: shop:price"]);
    expect(
      await places("textDocument/references", bench.before("_index.yaml", "clerk\n"), { context }),
    )
      .toEqual(["_index.yaml:22: clerk", "_index.yaml:31: clerk"]);
    const local = await places(
      "textDocument/references",
      bench.before("price.lua", "size, total"),
      {
        context: { includeDeclaration: false },
      },
    );
    expect(local).toEqual(["price.lua:10: size"]);
  });

  test("lists symbols of a document and of the workspace", async () => {
    const symbols = async (file: string) =>
      (await bench.editor.request<{ name: string }[]>("textDocument/documentSymbol", {
        textDocument: { uri: bench.uri(file) },
      })).map(({ name }) => name);
    bench.edit("price.lua", bench.original("price.lua"));
    expect(await symbols("price.lua")).toEqual(["time", "sums", "Basket", "main"]);
    expect(await symbols("_index.yaml")).toContain("shop:clerk");
    const found = await bench.editor.request<{ name: string }[]>("workspace/symbol", {
      query: "ordr",
    });
    expect(found.map(({ name }) => name)).toEqual(["shop:order"]);
    const functions = await bench.editor.request<{ name: string }[]>("workspace/symbol", {
      query: "sums.total",
    });
    expect(functions.map(({ name }) => name)).toEqual(["sums.total"]);
  });
});

test("colors types, parameters and functions", async () => {
  const text =
    'type P = { x: number }\nlocal e = "é😀" local function f(p: P)\n  return p.x\nend\nf({})\n';
  bench.edit("price.lua", text);
  const { data } = await bench.editor.request<{ data: number[] }>(
    "textDocument/semanticTokens/full",
    { textDocument: { uri: bench.uri("price.lua") } },
  );
  const shown: string[] = [];
  let [line, character] = [0, 0];
  for (let at = 0; at < data.length; at += 5) {
    const [lines, characters, length, type] = data.slice(at, at + 4) as [
      number,
      number,
      number,
      number,
    ];
    character = lines > 0 ? characters : character + characters;
    line += lines;
    shown.push(
      `${text.split("\n")[line]!.slice(character, character + length)} ${tokenTypes[type]}`,
    );
  }
  expect(shown).toEqual([
    "type keyword",
    "P type",
    "number type",
    "f function",
    "p parameter",
    "P type",
    "p parameter",
    "f function",
  ]);
});

describe("changes", () => {
  interface Edit {
    changes: Record<string, { range: Range; newText: string }[]>;
  }

  function shown({ changes }: Edit): string[] {
    return Object.entries(changes).flatMap(([uri, edits]) =>
      edits.map(({ range, newText }) =>
        `${uri.slice(uri.lastIndexOf("/") + 1)}:${range.start.line + 1}: ${
          bench.shown(uri, range)
        } -> ${newText}`
      )
    );
  }

  test("rename locals and entries everywhere", async () => {
    const rename = (place: Place, newName: string) =>
      bench.editor.request<Edit>("textDocument/rename", { ...place, newName });
    expect(shown(await rename(bench.before("price.lua", "size, total"), "measure"))).toEqual([
      "price.lua:8: size -> measure",
      "price.lua:10: size -> measure",
    ]);
    expect(shown(await rename(bench.before("_index.yaml", "clerk\n"), "seller"))).toEqual([
      "_index.yaml:22: clerk -> seller",
      "_index.yaml:31: clerk -> seller",
    ]);
    expect(shown(await rename(bench.before("order.lua", "shop:price"), "cost"))).toEqual([
      "_index.yaml:6: price -> cost",
      "order.lua:4: shop:price -> shop:cost",
    ]);
    const wrong = await bench.editor.ask("textDocument/rename", {
      ...bench.before("price.lua", "size, total"),
      newName: "end",
    });
    expect(wrong["error"]).toMatchObject({ code: -32602 });
    const taken = bench.editor.request("textDocument/rename", {
      ...bench.before("order.lua", "shop:price"),
      newName: "order",
    });
    expect(taken).rejects.toThrow("there is an entry shop:order already");
    expect(
      await bench.editor.request("textDocument/prepareRename", bench.before("order.lua", 'price"')),
    )
      .toMatchObject({ placeholder: "price" });
  });

  async function fixes(file: string, text: string, code: string): Promise<string[]> {
    bench.edit(file, text);
    const uri = bench.uri(file);
    const version = bench.version(file);
    const found = await bench.editor.diagnostics(
      uri,
      (told) =>
        told.version === version &&
        told.diagnostics.some((each) => each.code === code || each.message.includes(code)),
    );
    const diagnostic = found.find((each) => each.code === code || each.message.includes(code))!;
    const actions = await bench.editor.request<{ title: string; edit: Edit }[]>(
      "textDocument/codeAction",
      { textDocument: { uri }, range: diagnostic.range, context: { diagnostics: [diagnostic] } },
    );
    return actions.flatMap(({ title, edit }) => [title, ...shown(edit)]);
  }

  test("follow hints and fix what rules find", async () => {
    const order = bench.original("order.lua");
    expect(await fixes("order.lua", order.replace("shop:price", "shop:prise"), "E0091")).toEqual([
      "Change to shop:price",
      "order.lua:4: shop:prise -> shop:price",
    ]);
    const clock = order.replace('"shop:price", name', '"shop:price", time.now()');
    const unlisted = `local time = require("time")
${clock}`;
    expect(await fixes("order.lua", unlisted, "E0090")).toEqual([
      "List time under modules: of the entry",
      "_index.yaml:26:  -> , time",
      "_index.yaml:18:  -> \n      - time",
    ]);
    expect(await fixes("order.lua", `local json = require("funcs")\n${order}`, "W0006")).toContain(
      "Remove the unused module json",
    );
    expect(await fixes("order.lua", `local a = 1\na = 2\n${order}`, "W0004")).toEqual([
      "Rename to _a",
      "order.lua:1: a -> _a",
      "order.lua:2: a -> _a",
    ]);
    const field = "local p: { price: number } = f()\nprint(p . prise)\n";
    expect(await fixes("order.lua", field, "E0004")).toEqual([
      "Change to price",
      "order.lua:2: prise -> price",
    ]);
    expect(await fixes("order.lua", field.replace("p . prise", "p['prise']"), "E0004"))
      .toContain("order.lua:2: prise -> price");
    // The new name has a meaning already.
    const taken = `local a = 1\na = 2\nfunction _a() end\n${order}`;
    expect(await fixes("order.lua", taken, "W0004")).toEqual([]);
    expect(await fixes("order.lua", `count = 1\n${order}`, "W0002")).toEqual([
      "Declare it as a local",
      "order.lua:1:  -> local ",
    ]);
    bench.edit("order.lua", order);
    const index = bench.original("_index.yaml");
    expect(await fixes("_index.yaml", index.replace("process.lua", "proces.lua"), "unknown kind"))
      .toEqual(["Change to process.lua", "_index.yaml:23: proces.lua -> process.lua"]);
    bench.edit("_index.yaml", index);
  });
});
