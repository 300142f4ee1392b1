import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { root } from "../../../scripts/sources.ts";
import { startApplication } from "../application.ts";

const page = readFileSync(join(root, "docs/guide/templates.md"), "utf8");

function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))]
    .map((match) => match[1]!);
}

test("the example of the guide writes what the page says", async () => {
  const list = parse(blocks("yaml")[0]!).entries as Record<string, unknown>[];
  const files = Object.fromEntries(
    ["layout", "parts", "receipt"].map((
      name,
      index,
    ) => [`file://${name}.jet`, blocks("jet")[index]]),
  );
  const entries = Object.fromEntries(
    list.filter(({ kind }) => kind !== "function.lua").map(({ name, ...fields }) => [
      String(name),
      {
        ...fields,
        ...(fields["source"] !== undefined && { source: files[String(fields["source"])] }),
      },
    ]),
  ) as Record<string, Record<string, unknown>>;
  expect(Object.keys(entries)).toEqual(["mails", "layout", "parts", "receipt"]);
  const application = await startApplication({
    entries,
    functions: { write_receipt: { modules: ["templates"], source: blocks("lua")[0]! } },
  });
  const order = JSON.parse(/called with `(\{.*\})` returns/.exec(page)![1]!);
  expect(await application.call("write_receipt", order)).toBe(blocks("text")[0]!);
});
