import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { WippyError } from "../../../src/vm/error.ts";
import { startApplication } from "../application.ts";

const docs = join(import.meta.dir, "../../../docs");

/** The code blocks of a language on a page. */
function blocks(page: string, language: string): string[] {
  const text = readFileSync(join(docs, page), "utf8");
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))]
    .map((match) => match[1]!);
}

/** The entries of a page's first YAML block; databases are in memory. */
function entriesOf(page: string): Record<string, Record<string, unknown>> {
  const { entries } = parse(blocks(page, "yaml")[0]!) as { entries: Record<string, unknown>[] };
  return Object.fromEntries(entries.map(({ name, ...data }) => [
    String(name),
    { ...data, ...("file" in data && { file: ":memory:" }) },
  ]));
}

test("the example of the guide does what the page says", async () => {
  const page = "guide/databases.md";
  const [migrate, order] = blocks(page, "lua");
  const application = await startApplication({
    entries: { db: entriesOf(page)["db"]! },
    functions: {
      migrate: { source: migrate!, modules: ["sql"] },
      order: { source: order!, modules: ["sql"] },
    },
  });
  await application.call("migrate");
  await application.call("migrate");
  const lines: string[] = [];
  for (const quantity of [2, 2]) {
    const line = await application.call("order", "tea", quantity)
      .catch((error: WippyError) => `${error.kind}: ${error.message}`);
    lines.push(`${line as string}\n`);
  }
  expect(lines.join("")).toBe(blocks(page, "text")[0]!);
});

test("the loop of the guide repeats what a conflict has ended, and nothing else", async () => {
  const [, , transact] = blocks("guide/databases.md", "lua");
  const application = await startApplication({
    entries: { db: entriesOf("guide/databases.md")["db"]! },
    functions: {
      main: {
        modules: ["sql"],
        source: `local sql = require("sql")
          ${transact!}
          return { main = function(conflicts, kind)
            local db, tries = assert(sql.get("app:db")), 0
            local result, err = transact(db, function(tx)
              tries = tries + 1
              if tries > conflicts then return "done" end
              return nil, errors.new({ kind = kind, message = "x", retryable = kind == "Conflict" })
            end)
            return { tries, result or err:kind() }
          end }`,
      },
    },
  });
  expect(await application.call("main", 0, "Conflict")).toEqual([1, "done"]);
  expect(await application.call("main", 2, "Conflict")).toEqual([3, "done"]);
  expect(await application.call("main", 9, "Conflict")).toEqual([5, "Conflict"]);
  expect(await application.call("main", 9, "Invalid")).toEqual([1, "Invalid"]);
});

test.each(["sql", "store"])("the example of %s does what the page says", async (name) => {
  const page = `reference/modules/${name}.md`;
  const application = await startApplication({
    entries: entriesOf(page),
    functions: { main: { source: blocks(page, "lua")[0]!, modules: [name] } },
  });
  expect(`${await application.call("main") as string}\n`).toBe(blocks(page, "text")[0]!);
});
