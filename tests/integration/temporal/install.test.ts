/** `wippy temporal install`, with an npm of the test's own: no registry is asked. */
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import {
  addonFile,
  addonInPackage,
  addonPackage,
  findAddon,
} from "../../../src/workflows/providers/temporal/bridge/addon.ts";
import { addonHashes } from "../../../src/workflows/providers/temporal/bridge/install.ts";
import { main } from "../../../src/cli/cli.ts";
import { cleanAfterTest } from "../../cleanup.ts";

const installed = resolve(import.meta.dir, "../../../node_modules", addonPackage);

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "wippy-install-"));
  cleanAfterTest(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A folder with a program `npm` that does what the lines of shell say. */
function npm(lines: string): string {
  const bin = folder();
  writeFileSync(join(bin, "npm"), `#!/bin/sh\n${lines}\n`);
  chmodSync(join(bin, "npm"), 0o755);
  return bin;
}

async function install(path: string, ...args: string[]) {
  let [out, err] = ["", ""];
  const directory = folder();
  const status = await main(["temporal", "install", ...args], {
    out: (text) => out += text,
    err: (text) => err += text,
    input: () => Promise.resolve(""),
    directory,
    system: { PATH: `${path}:/usr/bin:/bin` },
    terminal: false,
    colour: false,
  });
  return { status, out, err, directory };
}

test("the hashes are those of the package", () => {
  const hashes = Object.keys(addonHashes).map((place) => {
    const content = readFileSync(join(installed, place));
    return [place, createHash("sha256").update(content).digest("hex")];
  });
  expect(Object.fromEntries(hashes)).toEqual(addonHashes);
  expect(Object.keys(addonHashes)).toContain(addonInPackage());
});

describe("install", () => {
  test("puts the addon where the runtime finds it", async () => {
    const bin = npm(
      `mkdir -p node_modules/@temporalio && ln -s ${installed} node_modules/@temporalio/core-bridge`,
    );
    const { status, out, err, directory } = await install(bin, "--to", ".");
    expect({ status, err }).toEqual({ status: 0, err: "" });
    const file = join(directory, addonFile);
    expect(out).toContain(file);
    expect(findAddon([directory])).toEqual({ file });
  });

  test("refuses a package that is another one", async () => {
    const place = `node_modules/${addonPackage}/${addonInPackage()}`;
    const bin = npm(`mkdir -p $(dirname ${place}) && echo other > ${place}`);
    const { status, err, directory } = await install(bin, "--to", ".");
    expect(status).toBe(1);
    expect(err).toContain("is not the package that this program was tested with");
    expect(existsSync(join(directory, addonFile))).toBe(false);
  });

  test("says what npm says", async () => {
    const { status, err } = await install(npm("echo 'no such registry' >&2; exit 1"), "--to", ".");
    expect(status).toBe(1);
    expect(err).toContain("npm cannot get");
    expect(err).toContain("no such registry");
  });

  test("says when the folder cannot be written", async () => {
    const bin = npm(
      `mkdir -p node_modules/@temporalio && ln -s ${installed} node_modules/@temporalio/core-bridge`,
    );
    const { status, err } = await install(bin, "--to", "/proc");
    expect(status).toBe(1);
    expect(err).toContain("cannot be written");
    expect(err).toContain("--to");
  });
});
