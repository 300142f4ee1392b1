import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../../package.json" with { type: "json" };
import { changesOf } from "../../../release/notes.ts";
import { billOfMaterials } from "../../../release/sbom.ts";
import { targetOf, targets } from "../../../release/targets.ts";
import { root } from "../../../scripts/sources.ts";

/** Runs scripts/release as a user does. */
function release(...args: string[]) {
  const run = Bun.spawnSync([process.execPath, join(root, "scripts/release.ts"), ...args]);
  return { status: run.exitCode, err: run.stderr.toString() };
}

describe("targets", () => {
  test("bun.lock pins the runtime of each", () => {
    const lock = readFileSync(join(root, "bun.lock"), "utf8");
    const missing = targets.filter(({ runtime }) =>
      !lock.includes(`["${runtime}@${manifest.devDependencies.bun}"`)
    );
    expect(missing).toEqual([]);
  });

  test("an unknown one is told which there are", () => {
    expect(() => targetOf("plan9-x64")).toThrow("there is no target plan9-x64; the targets are");
    expect(release("--target", "plan9-x64")).toEqual({
      status: 1,
      err: "release: there is no target plan9-x64; the targets are linux-x64, linux-arm64, " +
        "linux-x64-musl, linux-arm64-musl, darwin-x64, darwin-arm64, windows-x64\n",
    });
  });
});

describe("the changelog's excerpt", () => {
  const changelog =
    "# Changelog\n\n## [Unreleased]\n\n- new\n\n## [1.0.0]\n\n- old\n\n## [0.9.0]\n";

  test("is the part of the version", () => {
    expect(changesOf(changelog, "1.0.0")).toBe("## [1.0.0]\n\n- old\n");
    expect(changesOf(changelog, "Unreleased")).toBe("## [Unreleased]\n\n- new\n");
  });

  test("must exist", () => {
    expect(() => changesOf(changelog, "2.0.0")).toThrow('CHANGELOG.md has no section "## [2.0.0]"');
    const text = readFileSync(join(root, "CHANGELOG.md"), "utf8");
    expect(changesOf(text, manifest.version)).toStartWith(`## [${manifest.version}]`);
  });
});

test("the bill of materials names every work with its version and licence", () => {
  const works = [
    { name: "@scope/one", version: "1.2.3", license: "MIT", text: "" },
    { name: "lua", version: "5.4", license: "MIT", text: "" },
    { name: "two", version: "2.0.0", license: "MIT OR Apache-2.0", text: "" },
  ];
  const document = JSON.parse(billOfMaterials(works, "abc", 1_700_000_000));
  expect(document).toMatchObject({
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    metadata: { timestamp: "2023-11-14T22:13:20.000Z", component: { name: "wippy" } },
    components: [
      {
        group: "@scope",
        name: "one",
        version: "1.2.3",
        purl: "pkg:npm/%40scope/one@1.2.3",
        licenses: [{ license: { id: "MIT" } }],
      },
      { name: "lua", purl: "pkg:generic/lua@5.4" },
      { name: "two", licenses: [{ expression: "MIT OR Apache-2.0" }] },
    ],
  });
  expect(document.dependencies[0].dependsOn).toHaveLength(3);
});
