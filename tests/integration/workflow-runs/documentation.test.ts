import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startDurable } from "./durable-application.ts";

/** The code blocks of a language on a page. */
function blocks(page: string, language: string): string[] {
  const text = readFileSync(join(import.meta.dir, "../../../docs", page), "utf8");
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))]
    .map((match) => match[1]!);
}

test("the example of the workflow module does what the page says", async () => {
  const page = "modules/workflow.md";
  const application = await startDurable({
    workflows: { order: { source: blocks(page, "lua")[0]! }, ship: "return ..." },
    functions: { start: 'return workflow.exec("app:order", { 1.25, 2 })' },
  });
  expect(`${await application.call("start") as string}\n`).toBe(blocks(page, "text")[0]!);
});

test("the example of the page on workflows runs", async () => {
  const [order, start] = blocks("workflows.md", "lua");
  const application = await startDurable({
    workflows: { order: { source: order!.replaceAll("shop:", "app:") } },
    functions: {
      charge: 'return "receipt for " .. ...',
      start: `${start!.replaceAll("shop:", "app:")} return event.result.value`,
    },
  });
  expect(await application.call("start")).toBe("receipt for 120 approved by Ada");
});
