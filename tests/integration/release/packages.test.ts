import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { debianPackage } from "../../../release/debian.ts";
import { formula } from "../../../release/homebrew.ts";
import { mainPackage, platformPackage } from "../../../release/npm.ts";
import { targetOf } from "../../../release/targets.ts";
import { filesIn, here, temporaryFolder } from "./made-release.ts";

const facts = { version: "1.2.3", license: "MIT", description: "Runs Lua", time: 1_700_000_000 };
const bytes = (text: string) => new TextEncoder().encode(text);
const texts = [{ path: "LICENSE", data: bytes("free\n") }];

/** A program that shows its arguments, waits for SIGTERM when told to, and has a status of its own. */
const program = bytes(`#!/bin/sh
[ "$1" = wait ] || { echo "ran $*"; exit 7; }
trap 'echo stopped; exit 3' TERM
echo waiting
while :; do sleep 0.05; done
`);

describe.skipIf(Bun.which("npm") === null)("npm (skipped without npm)", () => {
  /** A folder in which npm installed packages from their tarballs, without a network. */
  async function installed(withProgram: boolean): Promise<string> {
    const folder = temporaryFolder();
    const packages = [await mainPackage(facts, texts)];
    if (withProgram) packages.push(await platformPackage(facts, targetOf(here), program, texts));
    for (const { file, data } of packages) writeFileSync(join(folder, file), data);
    writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
    const files = packages.map(({ file }) => `./${file}`);
    const flags = ["--offline", "--no-audit", "--no-fund", "--cache", join(folder, "cache")];
    const run = Bun.spawnSync(["npm", "install", ...flags, ...files], { cwd: folder });
    expect([run.exitCode, run.stderr.toString()]).toEqual([0, ""]);
    return folder;
  }

  test("npx wippy runs the program for this machine, with its status and signals", async () => {
    const folder = await installed(true);
    const run = Bun.spawnSync(["npx", "--offline", "wippy", "run", "hello world"], { cwd: folder });
    expect([run.exitCode, run.stdout.toString()]).toEqual([7, "ran run hello world\n"]);
    const child = Bun.spawn([join(folder, "node_modules/.bin/wippy"), "wait"], { stdout: "pipe" });
    let out = "";
    for await (const chunk of child.stdout) {
      if (out === "") child.kill("SIGTERM");
      out += new TextDecoder().decode(chunk);
    }
    expect([out, await child.exited]).toEqual(["waiting\nstopped\n", 3]);
  }, 60_000);

  test("says what is missing where no package fits", async () => {
    const folder = await installed(false);
    const run = Bun.spawnSync([join(folder, "node_modules/.bin/wippy"), "version"]);
    expect([run.exitCode, run.stderr.toString()]).toEqual([
      1,
      `Error: npm did not install @wippy/${here}, which has the program for this machine\n` +
      "    hint: install wippy without --omit=optional; not every machine has a release\n",
    ]);
  }, 60_000);
});

describe.skipIf(Bun.which("dpkg-deb") === null)("dpkg-deb (skipped without it)", () => {
  const files = [
    { path: "wippy", data: program, executable: true },
    ...["man/wippy.1", "completions/wippy.bash", "completions/_wippy", "completions/wippy.fish"]
      .map((path) => ({ path, data: bytes(`${path}\n`) })),
    ...["LICENSE", "NOTICES.txt", "CHANGES.md", "examples/hello/wippy.lock"]
      .map((path) => ({ path, data: bytes(`${path}\n`) })),
  ];

  test("unpacks the Debian package to Debian's places", async () => {
    const folder = temporaryFolder();
    const { file, data } = await debianPackage(facts, targetOf("linux-x64"), files);
    expect(file).toBe("wippy_1.2.3_amd64.deb");
    writeFileSync(join(folder, file), data);
    const told = Bun.spawnSync(["dpkg-deb", "--field", file], { cwd: folder }).stdout.toString();
    expect(told).toContain("Package: wippy\nVersion: 1.2.3\nArchitecture: amd64\n");
    expect(told).toContain("Depends: libc6 (>= 2.17)\n");
    mkdirSync(join(folder, "root"));
    const unpacked = Bun.spawnSync(["dpkg-deb", "-x", file, "root"], { cwd: folder });
    expect([unpacked.exitCode, unpacked.stderr.toString()]).toEqual([0, ""]);
    expect(filesIn(join(folder, "root"))).toEqual([
      "usr/bin/wippy",
      "usr/share/bash-completion/completions/wippy",
      "usr/share/doc/wippy/LICENSE",
      "usr/share/doc/wippy/changelog.gz",
      "usr/share/doc/wippy/copyright",
      "usr/share/doc/wippy/examples/hello/wippy.lock",
      "usr/share/fish/vendor_completions.d/wippy.fish",
      "usr/share/man/man1/wippy.1.gz",
      "usr/share/zsh/vendor-completions/_wippy",
    ]);
    expect(Bun.spawnSync([join(folder, "root/usr/bin/wippy"), "x"]).stdout.toString())
      .toBe("ran x\n");
  });

  test("sorts a release candidate before the release", async () => {
    const early = await debianPackage(
      { ...facts, version: "1.2.3-rc.1" },
      targetOf("linux-arm64"),
      files,
    );
    expect(early.file).toBe("wippy_1.2.3~rc.1_arm64.deb");
    expect(Bun.spawnSync(["dpkg", "--compare-versions", "1.2.3~rc.1", "lt", "1.2.3"]).exitCode)
      .toBe(0);
  });

  test("is there for the architectures of Debian only", async () => {
    await expect(debianPackage(facts, targetOf("linux-x64-musl"), files))
      .rejects.toThrow("there is no Debian package for linux-x64-musl");
  });
});

describe("the formula of Homebrew", () => {
  const sums = new Map([
    ["wippy-1.2.3-darwin-arm64.tar.gz", "a".repeat(64)],
    ["wippy-1.2.3-linux-x64.tar.gz", "b".repeat(64)],
  ]);

  test("has the archives that there are", () => {
    const text = formula("1.2.3", "Runs Lua", sums, "https://example.com/r");
    expect([...text.matchAll(/^ +(on_\w+|url|sha256)\b.*$/gm)].map(([line]) => line.trim()))
      .toEqual([
        "on_macos do",
        "on_arm do",
        'url "https://example.com/r/wippy-1.2.3-darwin-arm64.tar.gz"',
        `sha256 "${"a".repeat(64)}"`,
        "on_linux do",
        "on_intel do",
        'url "https://example.com/r/wippy-1.2.3-linux-x64.tar.gz"',
        `sha256 "${"b".repeat(64)}"`,
      ]);
  });

  test.skipIf(Bun.which("ruby") === null)("is Ruby (skipped without ruby)", () => {
    const run = Bun.spawnSync(["ruby", "-c"], {
      stdin: Buffer.from(formula("1.2.3", "Runs Lua", sums)),
    });
    expect(run.stdout.toString()).toBe("Syntax OK\n");
  });
});
