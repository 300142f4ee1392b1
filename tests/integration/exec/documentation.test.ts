import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type Code, startApplication } from "../application.ts";

const docs = join(import.meta.dir, "../../../docs");

function block(page: string, language: string): string {
  const found = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "ms").exec(page);
  if (!found) throw new Error(`no ${language} block`);
  return found[1]!;
}

test.each([
  ["reference/modules/exec.md", "main", []],
  ["guide/programs.md", "count_words", ["a rose is a rose"]],
])("the example of %s does what the page says", async (path, name, args) => {
  const page = readFileSync(join(docs, path), "utf8");
  const { entries } = parse(block(page, "yaml")) as { entries: Record<string, unknown>[] };
  const source: Code = { source: block(page, "lua"), modules: ["exec"] };
  const { name: _, ...tools } = entries.find((entry) => entry["name"] === "tools")!;
  const application = await startApplication({ entries: { tools }, functions: { [name]: source } });
  expect(`${await application.call(name, ...args)}\n`).toBe(block(page, "text"));
});
