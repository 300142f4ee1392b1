import { describe, expect, test } from "bun:test";
import { Command } from "commander";
import { z } from "zod";
import { join } from "node:path";
import manifest from "../../../package.json" with { type: "json" };
import { deprecatedOption, warnOfDeprecated } from "../../../src/cli/command.ts";
import {
  deprecated,
  deprecatedFields,
  deprecationText,
  removalOf,
} from "../../../src/registry/deprecation.ts";
import { kinds } from "../../../src/registry/kinds.ts";
import { root } from "../../../scripts/sources.ts";
import { writeFiles } from "../app/temporary-application.ts";

const deprecation = { since: "0.2.0", instead: "workers" };
const schema = z.object({ size: deprecated(z.int().optional(), deprecation), workers: z.int() });

describe("a deprecated field", () => {
  test("works as before, and its use is found", () => {
    expect(schema.parse({ size: 3, workers: 1 })).toEqual({ size: 3, workers: 1 });
    expect(deprecatedFields(schema, { size: 3, workers: 1 })).toEqual([{
      field: "size",
      deprecation,
    }]);
    expect(deprecatedFields(schema, { workers: 1 })).toEqual([]);
  });

  test("may be removed by the next minor version", () => {
    expect(removalOf(deprecation)).toBe("0.3.0");
    expect(removalOf({ since: "1.9.0", instead: "x" })).toBe("1.10.0");
    expect(deprecationText("field size", deprecation))
      .toBe("field size is deprecated since 0.2.0; 0.3.0 removes it");
  });
});

test("an application that uses one is warned, with the place", () => {
  const directory = writeFiles({
    "wippy.lock": "directories:\n  src: ./src\n",
    "src/_index.yaml": "version: '1.0'\nnamespace: app\nentries:\n" +
      "  - name: host\n    kind: process.host\n    host: { workers: 1 }\n",
  });
  // In a program of its own, because a mark stays.
  const at = (path: string) => JSON.stringify(join(root, path));
  const code = `const { kinds } = await import(${at("src/registry/kinds.ts")});
    const { deprecated } = await import(${at("src/registry/deprecation.ts")});
    const { loadApplication } = await import(${at("src/app/app.ts")});
    const { formatProblem } = await import(${at("src/app/problem.ts")});
    deprecated(kinds.get("process.host").schema.shape.host, { since: "0.2.0", instead: "pool" });
    const { problems } = await loadApplication({ directory: ${
    JSON.stringify(directory)
  }, system: {} });
    console.log(problems.map(formatProblem).join("\\n"));`;
  const run = Bun.spawnSync([process.execPath, "-e", code]);
  expect(run.stdout.toString()).toBe(
    "src/_index.yaml:6:5  app:host  warning: field host is deprecated since 0.2.0; 0.3.0 removes it\n" +
      "    hint: use pool\n",
  );
});

test("no kind has a deprecated field that its warning says is removed", () => {
  const late = [...kinds.values()].flatMap((kind) =>
    deprecatedFields(kind.schema)
      .filter((found) => Bun.semver.order(manifest.version, removalOf(found.deprecation)) >= 0)
      .map(({ field }) => `${kind.name}: ${field}`)
  );
  expect(late).toEqual([]);
});

test("a deprecated flag works, and is reported when it is given", async () => {
  const run = async (...args: string[]) => {
    let told = "";
    let size: unknown;
    const program = new Command("wippy");
    warnOfDeprecated(program, (text) => told += text);
    program.command("go").addOption(deprecatedOption("--size <n>", "how many", deprecation))
      .option("--workers <n>").action((options: { size?: string }) => {
        size = options.size;
      });
    await program.parseAsync(["go", ...args], { from: "user" });
    return { told, size };
  };
  expect(await run("--size", "3")).toEqual({
    told: "warning: --size is deprecated since 0.2.0; 0.3.0 removes it\n    hint: use workers\n",
    size: "3",
  });
  expect(await run("--workers", "3")).toEqual({ told: "", size: undefined });
});
