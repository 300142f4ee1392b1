import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type Code, startApplication } from "../application.ts";
import { until } from "../../until.ts";
import { code } from "./queues.ts";

const docs = join(import.meta.dir, "../../../docs");

/** The code blocks of a language on a page. */
function blocks(page: string, language: string): string[] {
  const text = readFileSync(join(docs, page), "utf8");
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))]
    .map((match) => match[1]!);
}

/** What a page's first YAML block and its Lua files make. */
function applicationOf(page: string) {
  const sources = new Map(
    blocks(page, "lua").map((source) => [/^-- src\/(\w+)\.lua/.exec(source)![1]!, source]),
  );
  const { entries } = parse(blocks(page, "yaml")[0]!) as { entries: Record<string, unknown>[] };
  const functions: Record<string, Code> = {};
  const others: Record<string, Record<string, unknown>> = {};
  for (const { name, source: _file, ...data } of entries) {
    const source = sources.get(String(name));
    if (source === undefined) others[String(name)] = data;
    else functions[String(name)] = { source, ...data };
    sources.delete(String(name));
  }
  for (const [name, source] of sources) functions[name] = { source, modules: ["queue"] };
  return { entries: others, functions };
}

test("the example of the module does what the page says", async () => {
  const page = "reference/modules/queue.md";
  const application = await startApplication(applicationOf(page));
  expect(`${await application.call("main") as string}\n`).toBe(blocks(page, "text")[0]!);
});

test("the example of the guide does what the page says", async () => {
  const page = "guide/queues.md";
  const { entries, functions } = applicationOf(page);
  const application = await startApplication({
    entries,
    functions: {
      ...functions,
      read_books: code(`
        local lines = {}
        for _, entry in ipairs(store.get("app:books"):list().items) do
          lines[#lines + 1] = entry.key .. " = " .. entry.value
        end
        return lines`),
    },
  });
  for (const [id, amount] of [["evt-1", 10], ["evt-1", 10], ["evt-2", 0]] as const) {
    expect(await application.call("take", { id, amount })).toBe("accepted");
  }
  const books = await until(
    async () => await application.call("read_books") as string[],
    (lines) => lines.length === 2,
  );
  expect(`${books.join("\n")}\n`).toBe(blocks(page, "text")[0]!);
});
