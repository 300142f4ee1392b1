import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type Sources, startApplication } from "../application.ts";

const pages = join(import.meta.dir, "../../../docs/modules");

/** The fenced blocks of a language. */
function fences(page: string, language: string): string[] {
  const blocks = page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"));
  return [...blocks].map(([, text]) => text!);
}

const groups = { "function.lua": "functions", "process.lua": "processes" } as const;

/** The application of a page: its entries, whose sources are the blocks that begin with their file's name. */
function sourcesOf(page: string): Sources {
  const blocks = fences(page, "lua");
  const [yaml] = fences(page, "yaml");
  if (yaml === undefined) return { functions: { main: blocks[0]! } };
  const sources = { functions: {}, processes: {} } as Required<
    Pick<Sources, "functions" | "processes">
  >;
  for (const { name, kind, source, ...fields } of parse(yaml)) {
    const group = groups[kind as keyof typeof groups];
    if (group === undefined) continue;
    const file = source.replace("file://", "");
    const text = blocks.find((block) => block.startsWith(`-- ${file}\n`));
    if (text === undefined) throw new Error(`no block for ${file}`);
    sources[group][name] = { modules: [], ...fields, source: text };
  }
  return sources;
}

test.each(["channel", "coroutine", "errors", "funcs", "payload", "process"])(
  "the example of %s does what the page says",
  async (name) => {
    const page = readFileSync(join(pages, `${name}.md`), "utf8");
    const app = await startApplication(sourcesOf(page));
    expect(`${await app.call("main")}\n`).toBe(fences(page, "text")[0]!);
  },
);
