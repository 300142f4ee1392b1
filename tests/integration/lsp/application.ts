import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Editor, type Position, type Range } from "./editor.ts";

const files = {
  "wippy.lock": "directories: { src: ./src }\n",
  "src/_index.yaml": `version: "1.0"
namespace: shop
entries:
  - name: processes
    kind: process.host
  - name: price
    kind: function.lua
    meta: { comment: "what a basket costs" }
    source: file://price.lua
    method: main
    modules: [time, json]
    imports: { sums: "shop:sums" }
  - name: order
    kind: function.lua
    source: file://order.lua
    method: main
    modules:
      - funcs
  - name: sums
    kind: library.lua
    source: file://sums.lua
  - name: clerk
    kind: process.lua
    source: file://order.lua
    method: main
    modules: [funcs]
  - name: office
    kind: process.supervisor
    host: shop:processes
    children:
      - { id: clerk, process: clerk }
`,
  "src/sums.lua": `local sums = {}

-- Adds a list of numbers.
function sums.total(list: {number}, start: number?): number
  local result = start or 0
  for _, number in ipairs(list) do
    result = result + number
  end
  return result
end

return sums
`,
  "src/price.lua": `local time = require("time")
local sums = require("sums")

type Basket = { items: {number}, owner: string }

-- What somebody pays.
local function main(basket: Basket)
  local mark = "é😀" local size, total = mark, sums.total(basket.items)
  time.sleep("1ms")
  return { total = total, size = size, owner = basket.owner }
end

return { main = main }
`,
  "src/order.lua": `local funcs = require("funcs")

local function main(name)
  local price, err = funcs.call("shop:price", name)
  return price, err
end

return { main = main }
`,
};

/** A place in a file, by the text there: `|` marks the cursor. */
export interface Place {
  textDocument: { uri: string };
  position: Position;
}

/** An application in a temporary folder, and an editor of it. */
export class Workbench {
  readonly directory = mkdtempSync(join(tmpdir(), "wippy-lsp-"));
  readonly editor = new Editor();
  readonly #texts = new Map<string, { text: string; version: number }>();

  /** What the server said that it offers. */
  capabilities: Record<string, unknown> = {};

  /** @param textDocument what the editor can do with documents */
  static async open(textDocument: Record<string, unknown> = {}): Promise<Workbench> {
    const bench = new Workbench();
    mkdirSync(join(bench.directory, "src"));
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(bench.directory, name), text);
    }
    const folder = { uri: pathToFileURL(bench.directory).href, name: "shop" };
    const { capabilities } = await bench.editor.request<Pick<Workbench, "capabilities">>(
      "initialize",
      {
        processId: null,
        rootUri: null,
        capabilities: { textDocument },
        workspaceFolders: [folder],
      },
    );
    bench.capabilities = capabilities;
    bench.editor.notify("initialized", {});
    return bench;
  }

  /** Ends the session. @returns the server's exit status */
  async leave(): Promise<number> {
    const status = await this.editor.leave();
    rmSync(this.directory, { recursive: true });
    return status;
  }

  uri(file: string): string {
    return pathToFileURL(join(this.directory, "src", file)).href;
  }

  original(file: string): string {
    return new Map(Object.entries(files)).get(`src/${file}`)!;
  }

  /** Opens a file, or gives it another text, without saving. */
  edit(file: string, text: string): void {
    const uri = this.uri(file);
    const version = (this.#texts.get(file)?.version ?? 0) + 1;
    if (version === 1) {
      this.editor.notify("textDocument/didOpen", {
        textDocument: { uri, languageId: "lua", version, text },
      });
    } else {
      this.editor.notify("textDocument/didChange", {
        textDocument: { uri, version },
        contentChanges: [{ text }],
      });
    }
    this.#texts.set(file, { text, version });
  }

  version(file: string): number {
    return this.#texts.get(file)!.version;
  }

  close(file: string): void {
    this.editor.notify("textDocument/didClose", { textDocument: { uri: this.uri(file) } });
    this.#texts.delete(file);
  }

  /** Gives a file the text with its cursor, `|`, left out. */
  at(file: string, marked: string): Place {
    const offset = marked.indexOf("|");
    this.edit(file, marked.slice(0, offset) + marked.slice(offset + 1));
    const before = marked.slice(0, offset).split("\n");
    return {
      textDocument: { uri: this.uri(file) },
      position: { line: before.length - 1, character: before.at(-1)!.length },
    };
  }

  /** The original text of a file, with the cursor in front of what a text is found at. */
  before(file: string, text: string): Place {
    const original = this.original(file);
    const at = original.indexOf(text);
    if (at < 0) throw new Error(`${file} has no ${text}`);
    return this.at(file, `${original.slice(0, at)}|${original.slice(at)}`);
  }

  /** What is at a range of a file. */
  shown(uri: string, { start, end }: Range): string {
    const file = uri.slice(uri.lastIndexOf("/") + 1);
    const lines = (this.#texts.get(file)?.text ?? this.original(file)).split("\n");
    return start.line === end.line
      ? lines[start.line]!.slice(start.character, end.character)
      : lines.slice(start.line, end.line + 1).join("\n");
  }
}
