import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Range } from "./editor.ts";
import { Workbench } from "./application.ts";

let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
});
afterAll(async () => void await bench.leave());

const typed = `local time = require("time")
local sums = require("sums")

type Point = { x: number, y: number, label?: string }
type Shape = { kind: "circle", at: Point, r: number } | { kind: "square", at: Point, side: number }
type Box<T> = { value: T }
interface Area
  function area(self): number
  function scale(self, by: number): Area
end
interface Solid: Area
  function volume(self): number
end

local function add(a: Point, b: Point): Point return { x = a.x + b.x, y = a.y + b.y } end
local function wrap<Point>(v: Point): Box<Point> return { value = v } end
local function twice<T>(v: T, f: fun(each: T, ...number): T): T return f(f(v)) end
local p: Point = { x = 1, y = 2 }
local list: {Point} = { p }
local named: {[string]: Point} = { a = p }
local shape: Shape = { kind = "circle", at = p, r = 1 }
local M = {}
function M:move(by: number): Point return p end
`;

/** Gives a file the types above and some code; `|` is the cursor. */
function at(code: string) {
  const offset = code.indexOf("|");
  const before = `${typed}${code.slice(0, offset)}`;
  bench.edit("price.lua", `${before}${code.slice(offset + 1)}`);
  const lines = before.split("\n");
  return {
    textDocument: { uri: bench.uri("price.lua") },
    position: { line: lines.length - 1, character: lines.at(-1)!.length },
  };
}

async function ask<Result>(request: string, code: string, more: object = {}): Promise<Result> {
  return await bench.editor.request<Result>(`textDocument/${request}`, { ...at(code), ...more });
}

test.each([
  ["p.|", ["x", "y", "label"]],
  ["list[1].|", ["x", "y", "label"]],
  ["list[1].|\nprint(p)", ["x", "y", "label"]],
  ["named.a.|", ["x", "y", "label"]],
  ["add(p, p).|", ["x", "y", "label"]],
  ["print((p).|)", ["x", "y", "label"]],
  ["M:move(1).|", ["x", "y", "label"]],
  ["local function f(s: Shape) s.| end", ["kind", "at"]],
  ["local function f(s: Shape) if s.kind == 'square' then s.| end end", ["kind", "at", "side"]],
  ["local function f(s: Shape) s.at.| end", ["x", "y", "label"]],
  ["local function f(s: Solid) s:scale(1):| end", ["area", "scale"]],
  ["local function f(b: Point & { z: number }) b.| end", ["x", "y", "label", "z"]],
  ["local q, err = Point:is(p) if q then q.| end", ["x", "y", "label"]],
  ["function M:more() self.| end", ["move", "more"]],
  ["local n = #list n.|", []],
])("members of what is typed: %s", async (code, expected) => {
  const { items } = await ask<{ items: { label: string }[] }>("completion", code);
  expect(items.map(({ label }) => label)).toEqual(expected);
});

test.each([
  ["local q, err = Point:is(p) err:|", "message"],
  ["print(('x'):|)", "upper"],
  ["Point:|", "is"],
  ["local z: |", "Shape"],
  ["local z: P|", "Point"],
  ["local z: {[string]: |", "number"],
  ["local z = p as |", "Point"],
  ["local z = p :: |", "Point"],
  ["local function f<T>(a: |) end", "T"],
  ["local function f(a: number): | end", "Point"],
  ["type Other = { a: | }", "Point"],
  ["type Other = {\n  a: |\n}", "Point"],
  ["local z: |", "time"],
  ["local z: time.|", "Duration"],
])("what may be written: %s", async (code, expected) => {
  const { items } = await ask<{ items: { label: string }[] }>("completion", code);
  const labels = items.map(({ label }) => label);
  expect(labels).toContain(expected);
  expect(labels).not.toContain("local");
  expect(labels).not.toContain("response");
});

test.each([
  ["local z: Point = { | }", ["x", "y", "label"]],
  ["local z: Point = { x = 1, l|", ["y", "label"]],
  ["local z: Point = {\n  y = 1,\n  |\n}", ["x", "label"]],
  ["add({ | }, p)", ["x", "y", "label"]],
  ["add(p, { x = 1, | })", ["y", "label"]],
  ["local z: {Point} = { { | } }", ["x", "y", "label"]],
  ["local z: { at: Point? } = { at = { | } }", ["x", "y", "label"]],
  ["local z: Point = { x = | }", []],
  ["local z: Point = { x = f(function() | end) }", []],
  ["local z = { | }", []],
])("fields of a table: %s", async (code, expected) => {
  const { items } = await ask<{ items: { label: string; sortText?: string }[] }>(
    "completion",
    code,
  );
  const fields = items.filter(({ sortText }) => sortText?.startsWith("  "));
  expect(fields.map(({ label }) => label)).toEqual(expected);
});

test.each([
  ["local z: |Point = p", "type Point = { x: number, y: number, label?: string }"],
  ["local z: |Area = nil", "interface Area\n  function area(self): number"],
  ["local z: time.|Duration = nil", "interface time.Duration\n"],
  ["print(p.|x)", "x: number"],
  ["print(shape.at.|label)", "label?: string"],
  ["print(list[1].|y)", "y: number"],
])("hover: %s", async (code, expected) => {
  const hover = await ask<{ contents: { value: string } } | null>("hover", code);
  expect(hover?.contents.value).toContain(expected);
});

test.each([
  ["add(p, |", "add(a: Point, b: Point): Point", 1],
  ["print(('x'):rep(|", "string.rep(s, n[, sep])", 0],
  ["local function f(s: Area) s:scale(1):scale(| end", "Area:scale(by: number): Area", 0],
  [
    "local f: fun(a: string, ...number): boolean = nil f('x', |",
    "f(a: string, ...number): boolean",
    1,
  ],
])("signature: %s", async (code, label, argument) => {
  interface Help {
    signatures: { label: string }[];
    activeParameter: number;
  }
  const help = await ask<Help | null>("signatureHelp", code);
  expect([help?.signatures[0]?.label, help?.activeParameter]).toEqual([label, argument]);
});

interface Location {
  uri: string;
  range: Range;
}

const shown = ({ uri, range }: Location) => `${range.start.line + 1}: ${bench.shown(uri, range)}`;

test.each([
  ["local z: |Point = p", "4: Point"],
  ["local z: {Box<|Shape>} = {}", "5: Shape"],
  ["local z: |Area = nil", "7: Area"],
  ["local function f(s: Area) s:|scale(1) end", "9: scale"],
  ["print(shape.at.|x)", "4: x"],
  ["print(list[1].|label)", "4: label"],
])("definition: %s", async (code, expected) => {
  const found = await ask<Location[]>("definition", code);
  expect(found.map(shown)).toEqual([expected]);
});

test("types are renamed where they are named, and type parameters of the same name stay", async () => {
  const context = { includeDeclaration: true };
  const lines = async (code: string) =>
    (await ask<Location[]>("references", code, { context })).map(({ range }) =>
      range.start.line + 1
    );
  const points = [4, 5, 5, 15, 15, 15, 18, 19, 20, 23, 24, 25];
  expect(await lines("local z: Point = p\nprint(|Point:is(z))")).toEqual(points);
  expect(await lines("local z: |Point = p\nprint(Point:is(z))")).toEqual(points);
  expect(await lines("local z: |Area = nil")).toEqual([7, 9, 11, 24]);
  const { changes } = await ask<{ changes: Record<string, { newText: string }[]> }>(
    "rename",
    "return { Point = |Point }",
    { newName: "Place" },
  );
  expect(changes[bench.uri("price.lua")]).toHaveLength(11);
});
