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

const pages = [...sourceFiles("*.md"), ...sourceFiles("**/*.md", ["docs", "examples", "licenses"])];

const contributing = ["CONTRIBUTING.md", ...sourceFiles("**/*.md", ["docs/contributing"])];

/** The headings of a page, as links name them. */
function anchorsOf(text: string): Set<string> {
  const headings = text.replaceAll(/^```.*?^```/gms, "").matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, heading]) =>
      heading!.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
    ),
  );
}

test.each(pages)("the files and headings that %s links to exist", async (path) => {
  const text = await Bun.file(join(root, path)).text();
  const missing: string[] = [];
  for (const [, target, anchor] of text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)) {
    const file = target === "" ? join(root, path) : join(root, dirname(path), target!);
    if (!existsSync(file)) missing.push(target!);
    else if (anchor && !anchorsOf(await Bun.file(file).text()).has(anchor)) {
      missing.push(`${target}#${anchor}`);
    }
  }
  expect(missing).toEqual([]);
});

test.each(contributing)("the sources that %s names exist", async (path) => {
  const text = await Bun.file(join(root, path)).text();
  // Paths from the root, in code. NAME stands for one that the reader chooses.
  const named = text.matchAll(
    /`((?:src|lua|tests|scripts|bench|examples|docs|licenses)\/[\w./-]+?)(?:[ :`])/g,
  );
  const missing = [...named].map(([, file]) => file!).filter((file) =>
    !/NAME/.test(file) &&
    !existsSync(join(root, file))
  );
  expect(missing).toEqual([]);
});
