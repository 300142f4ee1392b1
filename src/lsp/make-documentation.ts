/**
 * Makes `build/documentation.js`, what the language server shows of modules, from the tables of
 * `docs/reference/modules` and the functions of `lua/modules`, and `build/module-types.js`, from the types that pages
 * declare: `bun src/lsp/make-documentation.ts`.
 * @module
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "../language/language.ts";
import { functionOf, returnedMembers, signatureOf } from "../language/members.ts";
import { writeIndex } from "../operations/make-index.ts";
import type { MemberDocumentation, ModuleDocumentation } from "./documentation.ts";

const root = resolve(import.meta.dirname, "../..");

/** The first paragraph below the title. */
function summaryOf(page: string): string {
  return /^# .*\n\n([^]*?)(?:\n\n|$)/.exec(page)?.[1]?.replaceAll("\n", " ") ?? "";
}

/** The cells of a row; `\|` is a bar of the text. */
function cellsOf(row: string): string[] {
  return row.slice(1, -1).split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/** Links lead to pages that an editor has not. */
function withoutLinks(text: string): string {
  return text.replace(/\[([^\]]+)\]\([^)]*\)/g, "$1");
}

/** Members that the first columns of tables name, with the text of the others; a list per table. */
function documented(page: string): MemberDocumentation[][] {
  const tables: MemberDocumentation[][] = [];
  let header: string[] | undefined;
  for (const line of page.split("\n")) {
    if (!line.startsWith("|")) {
      header = undefined;
      continue;
    }
    const cells = cellsOf(line);
    if (header === undefined) {
      header = cells;
      tables.push([]);
    }
    if (header === cells || /^[-: ]+$/.test(cells[0] ?? "")) continue;
    const [calls = "", ...rest] = cells;
    const texts = rest.map((text, at) => {
      const title = header?.[at + 1] ?? "";
      if (text === "") return "";
      return withoutLinks(/^(?:Errors|Failure)/.test(title) ? `Errors: ${text}` : text);
    });
    const text = texts.filter((each) => each !== "").join("\n\n");
    // `get(url)`, `put`: what has no parentheses takes the same.
    let takes = "";
    for (const [, written] of calls.matchAll(/`([^`]+)`/g)) {
      const [, call, name] = /^((?:\w+[.:])?(\w+))(?=[({]|$| )/.exec(written!) ?? [];
      if (call === undefined || name === undefined) continue;
      const own = written!.slice(call.length);
      if (own !== "") takes = own;
      tables.at(-1)!.push({ name, signature: call + takes, text });
    }
  }
  return tables;
}

/** Reads what a page and the module's own code say of a module. */
export function readModule(module: string, page: string, code: string): ModuleDocumentation {
  const tree = parse(Buffer.from(code).toString("latin1"));
  const own = returnedMembers(tree).filter(({ name }) => !name.startsWith("_"));
  const members = new Map<string, MemberDocumentation>();
  const methods = new Map<string, MemberDocumentation>();
  for (const table of documented(page)) {
    const bare = ({ signature }: MemberDocumentation) => !/^\w+[.:]/.test(signature);
    // A table of names without their module is of the module, or of an object, as a whole. Some objects have a method
    // of the same name as a function of the module.
    const shared = table.filter((row) => bare(row) && own.some(({ name }) => name === row.name));
    const isModules = shared.length > 1;
    for (const row of table) {
      const { name, signature } = row;
      if (signature.startsWith(`${module}.`) || bare(row) && isModules) {
        const qualified = bare(row) ? `${module}.${signature}` : signature;
        if (!members.has(name)) members.set(name, { ...row, signature: qualified });
      } else if (/^\w+:/.test(signature) || bare(row) && /[({]/.test(signature)) {
        if (!methods.has(name)) methods.set(name, row);
      }
    }
  }
  for (const { name, value } of own) {
    if (members.has(name)) continue;
    const body = functionOf(value);
    const signature = body
      ? signatureOf(tree, `${module}.${name}`, body).label
      : `${module}.${name}`;
    members.set(name, { name, signature, text: "" });
  }
  return {
    summary: withoutLinks(summaryOf(page)),
    members: [...members.values()],
    methods: [...methods.values()],
  };
}

/** The types that a page declares below `## Types`, without the lines around them. */
function typesOf(page: string): string | undefined {
  return /^## Types\n[^]*?^```lua types\n([^]*?)^```/m.exec(page)?.[1];
}

const pages = readdirSync(join(root, "docs/reference/modules")).sort().map((file) => {
  const module = file.replace(/\.md$/, "");
  const source = join(root, "lua/modules", `${module}.lua`);
  const page = readFileSync(join(root, "docs/reference/modules", file), "utf8");
  const code = existsSync(source) ? readFileSync(source, "utf8") : "";
  return { module, page, code };
});
const documentation = Object.fromEntries(
  pages.map(({ module, page, code }) => [module, readModule(module, page, code)]),
);
const types = Object.fromEntries(
  pages.flatMap(({ module, page }) => {
    const declared = typesOf(page);
    return declared === undefined ? [] : [[module, declared]];
  }),
);
writeIndex(
  "documentation.js",
  `export const documentation = ${JSON.stringify(documentation)};\n`,
);
writeIndex("module-types.js", `export const moduleTypes = ${JSON.stringify(types)};\n`);
