import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { utils, write } from "@e965/xlsx";
import { ZipFile } from "yazl";
import { Environment } from "../../../src/app/environment.ts";
import { entryOf, testServices } from "../operations/services.ts";
import { runUnit } from "./lua-unit.ts";

const directory = mkdtempSync(join(tmpdir(), "wippy-excel-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
mkdirSync(join(directory, "data"));
const entries = [entryOf("app:data", "fs.directory", { directory: "data" })];
const services = {
  entry: testServices(entries).entry,
  environment: new Environment(entries, { directory, system: {} }),
  directory,
};

async function run(body: string) {
  const outcome = await runUnit(
    `local excel, fs = require("excel"), require("fs")
     local function told(err) return err and err:kind() .. ": " .. err:message() end
     return { main = function()
       local volume = assert(fs.get("app:data"))
       local function open(name) return excel.open(assert(volume:open(name))) end
       ${body}
     end }`,
    { services },
  );
  if (outcome.error) throw outcome.error;
  return outcome;
}
const value = async (body: string) => (await run(body)).value;

function save(name: string, bytes: Uint8Array): void {
  writeFileSync(join(directory, "data", name), bytes);
}

async function zipOf(files: Record<string, string | Buffer>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, content] of Object.entries(files)) zip.addBuffer(Buffer.from(content), name);
  zip.end();
  const parts: Buffer[] = [];
  for await (const part of zip.outputStream) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

test("what is written is read again", async () => {
  expect(
    await value(`
      local b = assert(excel.new())
      local numbers = { b:new_sheet("More"), b:new_sheet("More"), b:new_sheet("Sheet1") }
      assert(b:set_cell_value("More", "b2", "<é>"))
      assert(b:set_cell_value("More", "C2", 2.5))
      assert(b:set_cell_value("More", "A4", true))
      assert(b:set_cell_value("More", "D4", "gone"))
      assert(b:set_cell_value("More", "D4", nil))
      local f = volume:open("a.xlsx", "w")
      assert(b:write_to(f))
      f:close()
      local r = assert(open("a.xlsx"))
      local lines = {}
      for i, row in ipairs((r:get_rows("More"))) do lines[i] = table.concat(row, "|") end
      return { numbers, (r:get_sheet_list()), lines, #r:get_rows("Sheet1") }`),
  ).toEqual([[1, 1, 0], ["Sheet1", "More"], ["", "|<é>|2.5", "", "TRUE"], 0]);
});

test("rows have what cells show", async () => {
  const sheet = utils.aoa_to_sheet([[1234.5, 0.25, 45000]]);
  Object.assign(sheet["A1"], { z: "#,##0.00" });
  Object.assign(sheet["B1"], { z: "0%" });
  Object.assign(sheet["C1"], { z: "yyyy-mm-dd" });
  const book = utils.book_new();
  utils.book_append_sheet(book, sheet, "S");
  save("shown.xlsx", new Uint8Array(write(book, { type: "array", bookType: "xlsx" })));
  expect(await value(`return (assert(open("shown.xlsx")):get_rows("S"))`))
    .toEqual([["1,234.50", "25%", "2023-03-15"]]);
});

test("a cursor reads some rows at a time", async () => {
  expect(
    await value(`
      local b = excel.new()
      for i = 1, 5 do b:set_cell_value("Sheet1", "A" .. i, i) end
      local c = assert(b:rows("Sheet1"))
      local one, three, rest, last, err = c:read(), c:read(3), c:read(100000), c:read()
      return { #one, #three, rest, last == nil, err == nil }`),
  ).toEqual([1, 3, [["5"]], true, true]);
});

test("what is wrong is refused", async () => {
  save("text.xlsx", Buffer.from("no zip"));
  save("empty.xlsx", await zipOf({ "a.txt": "x" }));
  const entity = `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>`;
  save("entity.xlsx", await zipOf({ "xl/workbook.xml": entity }));
  save("bomb.xlsx", await zipOf({ "xl/workbook.xml": Buffer.alloc(300 * 1024 * 1024) }));
  const cases: [string, RegExp][] = [
    ["excel.open('x')", /^Invalid: excel.open: give a File/],
    ["excel.new():write_to({})", /^Invalid: write_to: give a File/],
    ["open('text.xlsx')", /^Internal: excel: open: archive: corrupt/],
    ["open('empty.xlsx')", /^Internal: excel: /],
    ["open('entity.xlsx')", /^Internal: excel: open: it declares XML entities/],
    ["open('bomb.xlsx')", /^Internal: excel: open: .*max_file_bytes/],
    ["excel.new():get_rows('none')", /^Internal: excel: sheet none does not exist/],
    ["excel.new():rows('none')", /^Internal: excel: sheet none does not exist/],
    ["excel.new():set_cell_value('none', 'A1', 1)", /^Internal: excel: sheet none/],
    ["excel.new():set_cell_value('Sheet1', 'A0', 1)", /^Internal: excel: A0 is not a cell/],
    ["excel.new():set_cell_value('Sheet1', 'XFE1', 1)", /^Internal: excel: XFE1 is not a cell/],
    ["excel.new():new_sheet('a/b')", /^Internal: excel: "a\/b" is not a name of a sheet/],
    ["closed():get_sheet_list()", /^Internal: excel: the workbook is closed/],
  ];
  for (const [call, message] of cases) {
    const told = await value(`
      local function closed() local b = excel.new(); assert(b:close()); assert(b:close()); return b end
      return told(select(2, ${call}))`);
    expect(String(told)).toMatch(message);
  }
}, 30_000);

test("a workbook is closed with its unit", async () => {
  expect((await run("excel.new(); excel.new()")).open).toBe(2);
});
