import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import { WippyError } from "../../vm/error.ts";
import { asLua, type LuaValue } from "../../vm/value.ts";
import {
  addedByModule,
  bytesOf,
  defineOperation,
  luaString,
  type Operation,
  type OperationContext,
} from "../operation.ts";
import type { Request } from "./workbook.ts";

const handle = lazy(() => addedByModule(z.int()));
const sheet = lazy(() => z.string({ error: "a name of a sheet is UTF-8 text" }));

function fail(message: string): never {
  throw new WippyError("Internal", `excel: ${message}`, { retryable: false });
}

async function ask({ resources }: OperationContext, id: number, request: Request) {
  const { Workbook } = await import("./workbook.ts");
  const book = resources.find(id, Workbook) ?? fail("the workbook is closed");
  return asLua(await book.ask(request)) as LuaValue;
}

/** Makes a workbook by its first request. Returns its number. */
async function make({ resources }: OperationContext, request: Request): Promise<number> {
  const { Workbook } = await import("./workbook.ts");
  const book = new Workbook();
  const id = resources.add(book);
  try {
    await book.ask(request);
    return id;
  } catch (error) {
    resources.remove(id);
    book.close();
    throw error;
  }
}

/** @throws WippyError Internal unless it is a cell from A1 to XFD1048576 */
function checkCell(cell: string): string {
  const [, letters = "", digits = ""] = /^([A-Za-z]{1,3})([1-9]\d{0,6})$/.exec(cell) ?? [];
  const column = [...letters.toUpperCase()].reduce((n, c) => n * 26 + c.charCodeAt(0) - 64, 0);
  if (column < 1 || column > 16384 || Number(digits) > 1_048_576) fail(`${cell} is not a cell`);
  return cell.toUpperCase();
}

/** Host operations of the module `excel`. */
export const excel: Operation[] = [
  defineOperation({
    name: "excel.new",
    summary: "Makes a workbook with one sheet.",
    mode: "async",
    arguments: [],
    run: (context) => make(context, { name: "create" }),
  }),
  defineOperation({
    name: "excel.open",
    summary: "Opens a workbook.",
    mode: "async",
    arguments: () => [luaString()],
    async run(context, data) {
      const { checkFile } = await import("./workbook.ts");
      const bytes = bytesOf(data);
      await checkFile(bytes);
      return await make(context, { name: "open", bytes });
    },
  }),
  defineOperation({
    name: "excel.sheets",
    summary: "The names of the sheets.",
    mode: "async",
    arguments: () => [handle()],
    run: (context, id) => ask(context, id, { name: "sheets" }),
  }),
  defineOperation({
    name: "excel.add",
    summary: "Adds a sheet. Returns its number.",
    mode: "async",
    arguments: () => [handle(), sheet()],
    run(context, id, name) {
      if (!/^[^[\]:*?/\\]{1,31}$/.test(name)) {
        fail(
          `${JSON.stringify(name)} is not a name of a sheet: 1 to 31 characters without []:*?/\\`,
        );
      }
      return ask(context, id, { name: "add", sheet: name });
    },
  }),
  defineOperation({
    name: "excel.set",
    summary: "Sets a cell.",
    mode: "async",
    arguments: () => [
      handle(),
      sheet(),
      z.string(),
      z.union([z.string(), z.number(), z.boolean(), z.undefined()], {
        error: "a value is a string of UTF-8, a number, a boolean or nil",
      }),
    ],
    async run(context, id, name, cell, value = undefined) {
      await ask(context, id, {
        name: "set",
        sheet: name,
        cell: checkCell(cell),
        value: value ?? null,
      });
      return true;
    },
  }),
  defineOperation({
    name: "excel.rows",
    summary: "What the cells of some rows show.",
    mode: "async",
    arguments: () => [handle(), sheet(), z.int().min(0), z.int().positive()],
    run: (context, id, name, from, count) =>
      ask(context, id, { name: "rows", sheet: name, from, count }),
  }),
  defineOperation({
    name: "excel.write",
    summary: "The bytes of the workbook's file.",
    mode: "async",
    arguments: () => [handle()],
    run: (context, id) => ask(context, id, { name: "write" }),
  }),
  defineOperation({
    name: "excel.close",
    summary: "Closes a workbook. Twice is harmless.",
    mode: "async",
    arguments: () => [handle()],
    async run({ resources }, id) {
      await resources.remove(id)?.close();
      return true;
    },
  }),
];
