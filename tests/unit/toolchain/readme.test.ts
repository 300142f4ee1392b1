import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { root, sourceFiles } from "../../../scripts/sources.ts";

const readme = await Bun.file(join(root, "README.md")).text();

test("the files that the README shows are those of examples/hello, all of them", async () => {
  const shown: Record<string, string> = {};
  for (const [, path, text] of readme.matchAll(/^`(\S+)`\n\n```\w+\n([\s\S]*?)^```$/gm)) {
    if (path !== undefined && text !== undefined) shown[path] = text;
  }
  const files: Record<string, string> = {};
  for (const path of sourceFiles("**/*", ["examples/hello"])) {
    files[path.slice("examples/hello/".length)] = await Bun.file(join(root, path)).text();
  }
  expect(shown).toEqual(files);
});

test.each(["README.md", ...sourceFiles("**/*.md", ["docs"])])(
  "the files that %s links to exist",
  async (path) => {
    const text = await Bun.file(join(root, path)).text();
    const missing = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)]
      .map((match) => match[1] ?? "")
      .filter((target) => !existsSync(join(root, dirname(path), target)));
    expect(missing).toEqual([]);
  },
);
