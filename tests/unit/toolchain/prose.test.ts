import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { root, sourceFiles } from "../../../scripts/sources.ts";

const units =
  "second|minute|hour|core|worker|process|run|step|task|call|file|folder|group|name|day";

const counted =
  "events|steps|messages|bytes|spawns|restarts|hops|requests|commits|rows|threads|ticks";

/** Wording that readers stumbled over, and what an idiomatic text says. */
const rules: readonly { wording: RegExp; say: string }[] = [
  { wording: /\banew\b/i, say: "again; starts over" },
  { wording: /\bmend(s|ed|ing)?\b/i, say: "fix, correct" },
  { wording: /\bfor ever\b/i, say: "forever" },
  { wording: /\b(is|are|was|were) given up\b/i, say: "is abandoned" },
  { wording: /\bgo(es)? on (where|as|to|by|when|elsewhere)\b/i, say: "continues" },
  {
    wording:
      /(?<!\bthere )\bis no (name|workflow|service|process|error|text|string|list|entry|journal)\b/i,
    say: "is not a …",
  },
  { wording: new RegExp(`\\b(one|ms|µs|kB|${counted}) an? (${units})\\b`), say: "… per …, or /s" },
  { wording: /\bwhat came out\b/i, say: "results" },
  { wording: /\b(is|are|was|were) (said|shown|told) so\b/i, say: "is reported" },
  { wording: /\bparts? several\b|\bparted by\b/i, say: "separates" },
  { wording: /\btried again\b/i, say: "retried" },
  { wording: /\bwho (may|has|wants|asks)\b(?=[^?]*\.)/, say: "a user, unit or caller that …" },
  { wording: /\bis (of|from) no use\b/i, say: "is useless, does nothing" },
  { wording: /§/, say: "the page's name" },
];

/** Finds wording in the prose of a page: not in code, which tests run as it stands. */
function stumbles(page: string): string[] {
  const prose = page.replaceAll(
    /^( *)```.*?^\1```|`[^`\n]*`/gms,
    (code) => code.replaceAll(/[^\n]/g, ""),
  );
  return prose.split("\n").flatMap((line, index) =>
    rules.flatMap(({ wording, say }) => {
      const found = wording.exec(line);
      return found ? [`${index + 1}: "${found[0]}": say "${say}"`] : [];
    })
  );
}

describe("the documentation is plain technical English", () => {
  const pages = [
    ...sourceFiles("*.md"),
    ...sourceFiles("**/*.md", ["docs", "examples", "licenses"]),
  ];

  test.each(pages)("%s", async (path) => {
    expect(stumbles(await Bun.file(join(root, path)).text())).toEqual([]);
  });
});

describe("stumbles", () => {
  test.each([
    "Begin anew at an earlier event?",
    "hint: mend the code",
    "Closed runs are kept for ever.",
    "worker threads; default one a core",
    "A worker repeats 380,000 events a second.",
    "A task is given up and tried again.",
    "NotFound for what is no workflow",
    "fields as JSON, parted by tabs",
  ])("finds: %s", (line) => {
    expect(stumbles(line)).not.toEqual([]);
  });

  test.each([
    "Reset to an earlier event? Later progress is discarded.",
    "One worker per core; 380,000 events/s.",
    "`funcs` retries what fails.",
    "```lua\nlocal anew = 1\n```",
    "Runs a process or a workflow. There is no list.",
  ])("leaves alone: %s", (line) => {
    expect(stumbles(line)).toEqual([]);
  });
});
