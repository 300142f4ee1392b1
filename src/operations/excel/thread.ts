/**
 * The thread of one workbook: reading and writing a large one takes seconds.
 * @module
 */
import { read, utils, type WorkBook, type WorkSheet, write } from "@e965/xlsx";
import type { Reply, Request } from "./workbook.ts";

declare const self: Worker;

/** Cells that `rows` may have. */
const maxCells = 10_000_000;

let book: WorkBook = utils.book_new();

function sheetOf(name: string): WorkSheet {
  const sheet = book.Sheets[name];
  if (sheet) return sheet;
  throw new Error(`sheet ${name} does not exist`);
}

/** What the cells of a row show, without the empty ones at its end. */
function shown(cells: ReturnType<typeof cellsOf>[number] | undefined): string[] {
  const texts: string[] = [];
  cells?.forEach((cell, column) => {
    const text = cell ? cell.w ?? utils.format_cell(cell) : "";
    if (text !== "") texts[column] = text;
  });
  return Array.from(texts, (text) => text ?? "");
}

function cellsOf(sheet: WorkSheet) {
  return sheet["!data"] ?? [];
}

const requests: {
  [Name in Request["name"]]: (request: Extract<Request, { name: Name }>) => unknown;
} = {
  create() {
    utils.book_append_sheet(book, utils.aoa_to_sheet([], { dense: true }), "Sheet1");
  },
  open({ bytes }) {
    book = read(bytes, {
      type: "array",
      dense: true,
      cellFormula: false,
      cellHTML: false,
      cellText: true,
    });
  },
  sheets: () => book.SheetNames,
  add({ sheet }) {
    const present = book.SheetNames.indexOf(sheet);
    if (present >= 0) return present;
    utils.book_append_sheet(book, utils.aoa_to_sheet([], { dense: true }), sheet);
    return book.SheetNames.length - 1;
  },
  set({ sheet, cell, value }) {
    const target = sheetOf(sheet);
    if (value !== null) {
      utils.sheet_add_aoa(target, [[value]], { origin: cell });
      return;
    }
    const { r, c } = utils.decode_cell(cell);
    const cells = cellsOf(target)[r];
    if (cells) delete cells[c];
  },
  rows({ sheet, from, count }) {
    const cells = cellsOf(sheetOf(sheet));
    const end = Math.min(cells.length, from + count);
    const rows: string[][] = [];
    let size = 0;
    for (let row = from; row < end; row++) {
      const texts = shown(cells[row]);
      size += texts.length + 1;
      if (size > maxCells) throw new Error(`more than ${maxCells} cells; read fewer rows at once`);
      rows.push(texts);
    }
    return rows;
  },
  write() {
    for (const sheet of Object.values(book.Sheets)) {
      const rows = cellsOf(sheet);
      // The library does not pass over rows that were never set.
      for (let row = 0; row < rows.length; row++) rows[row] ??= [];
    }
    return new Uint8Array(write(book, { type: "array", bookType: "xlsx", compression: true }));
  },
};

self.onmessage = ({ data }: MessageEvent<Request>) => {
  let reply: Reply;
  try {
    reply = { value: requests[data.name](data as never) };
  } catch (error) {
    reply = { failure: error instanceof Error ? error.message : String(error) };
  }
  self.postMessage(reply);
};
