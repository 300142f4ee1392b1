import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type Code, type Sources, startApplication } from "../application.ts";

const pages = join(import.meta.dir, "../../../docs/reference/modules");

/** The fenced blocks of a language. */
function fences(page: string, language: string): string[] {
  const blocks = page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"));
  return [...blocks].map(([, text]) => text!);
}

const groups = { "function.lua": "functions", "process.lua": "processes" } as const;

/** A block that is a whole function, with the modules that it requires. */
function alone(source: string): Code {
  return { source, modules: [...source.matchAll(/require\("(\w+)"\)/g)].map(([, name]) => name!) };
}

/** A volume for examples that read or write files. */
const data = { kind: "fs.directory", directory: "./data", auto_init: true };

/**
 * The application of a page: its entries, whose sources are the blocks that begin with their file's name. Where no entry
 * is a function, the first block is one.
 */
function sourcesOf(page: string): Sources {
  const blocks = fences(page, "lua");
  const [yaml] = fences(page, "yaml");
  if (yaml === undefined) return { functions: { main: alone(blocks[0]!) }, entries: { data } };
  const sources = { functions: {}, processes: {}, entries: {} } as Required<
    Pick<Sources, "functions" | "processes" | "entries">
  >;
  const parsed = parse(yaml);
  for (const { name, kind, source, ...fields } of Array.isArray(parsed) ? parsed : parsed.entries) {
    const group = groups[kind as keyof typeof groups];
    if (group === undefined) {
      // The test application has its host already.
      if (name !== "processes") {
        sources.entries[name] = { kind, ...source && { source }, ...fields };
      }
      continue;
    }
    const file = source.replace("file://", "");
    const text = blocks.find((block) => block.startsWith(`-- ${file}\n`));
    if (text === undefined) throw new Error(`no block for ${file}`);
    sources[group][name] = { modules: [], ...fields, source: text };
  }
  if (Object.keys(sources.functions).length === 0) sources.functions["main"] = alone(blocks[0]!);
  return sources;
}

/** Pages whose example needs a workflow, a database, or a terminal, files and context: other tests give them that. */
const elsewhere: ReadonlySet<string> = new Set(
  "activity schedule workflow ctx env fs io json logger os sql store stream time uuid".split(" "),
);

const names = readdirSync(pages).map((file) => file.replace(/\.md$/, ""))
  .filter((name) => !elsewhere.has(name));

test.each(names)(
  "the example of %s does what the page says",
  async (name) => {
    const page = readFileSync(join(pages, `${name}.md`), "utf8");
    const app = await startApplication(sourcesOf(page));
    expect(`${await app.call("main")}\n`).toBe(fences(page, "text")[0]!);
  },
);
