import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import manifest from "../../../package.json" with { type: "json" };
import { root } from "../../../scripts/sources.ts";

const version = manifest.devDependencies.bun;

/**
 * A machine of its own: a PATH with the few programs that scripts/bun calls, and an npm that is given
 * as a shell script. The script finds its arguments in "$*" and the folder to fill in "$3".
 */
class Machine {
  readonly folder = mkdtempSync(join(tmpdir(), "wippy-bun-"));
  readonly path = join(this.folder, "path");
  readonly tools = join(this.folder, "tools");

  constructor() {
    mkdirSync(this.path);
    for (
      const name of "bash sed dirname mkdir rm mv cat chmod cp ln echo env uname touch".split(" ")
    ) {
      const program = Bun.which(name);
      if (program !== null) symlinkSync(program, join(this.path, name));
    }
    symlinkSync(process.execPath, join(this.folder, "real-bun"));
  }

  program(name: string, script: string, folder = this.path): void {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, name), `#!${join(this.path, "bash")}\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  }

  run(...args: string[]): { status: number; out: string; err: string } {
    const run = Bun.spawnSync([join(root, "scripts/bun"), ...args], {
      cwd: this.folder,
      env: {
        PATH: this.path,
        HOME: this.folder,
        WIPPY_TOOLS: this.tools,
        REAL_BUN: join(this.folder, "real-bun"),
      },
    });
    return { status: run.exitCode, out: run.stdout.toString(), err: run.stderr.toString() };
  }

  close(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** What npm leaves when it may not run install scripts: a placeholder, and the platform's package. */
const placeholder = `
mkdir -p "$3/node_modules/bun/bin"
printf '#!%s\\necho "postinstall was not run" >&2; exit 1\\n' "$(command -v bash)" \\
  >"$3/node_modules/bun/bin/bun.exe"
chmod +x "$3/node_modules/bun/bin/bun.exe"`;
const platformPackage = `
mkdir -p "$3/node_modules/@oven/bun-linux-x64/bin"
ln -s "$REAL_BUN" "$3/node_modules/@oven/bun-linux-x64/bin/bun"`;

let machine: Machine;
beforeEach(() => void (machine = new Machine()));
afterEach(() => machine.close());

describe("scripts/bun", () => {
  test("takes the Bun on PATH when it has the pinned version", () => {
    symlinkSync(process.execPath, join(machine.path, "bun"));
    expect(machine.run("--where").out).toBe(`${join(machine.path, "bun")}\n`);
    expect(existsSync(machine.tools)).toBe(false);
  });

  test("fetches its own where the Bun on PATH has another version, and the script sees that one", () => {
    machine.program("bun", "echo 1.0.0");
    machine.program("npm", placeholder + platformPackage);
    expect(machine.run("--version").out).toBe(`${version}\n`);
    const script = `console.log(Bun.spawnSync(["bun", "--version"]).stdout.toString().trim())`;
    expect(machine.run("-e", script).out).toBe(`${version}\n`);
  });

  test("asks npm for exactly the pinned version, without install scripts", () => {
    machine.program("npm", `echo "$*" >"$HOME/asked"${placeholder}${platformPackage}`);
    expect(machine.run("--version").status).toBe(0);
    const asked = Bun.spawnSync(["cat", join(machine.folder, "asked")]).stdout.toString();
    expect(asked).toMatch(/^install --prefix \S+ --ignore-scripts .*bun@[\d.]+\n$/);
    expect(asked).toContain(`bun@${version}\n`);
  });

  test("uses the platform's package where install scripts are blocked, and fetches only once", () => {
    machine.program("npm", `echo called >>"$HOME/calls"${placeholder}${platformPackage}`);
    for (let i = 0; i < 2; i += 1) expect(machine.run("--version").out).toBe(`${version}\n`);
    expect(machine.run("--where").out).toContain("/@oven/bun-linux-x64/bin/bun\n");
    const calls = Bun.spawnSync(["cat", join(machine.folder, "calls")]).stdout.toString();
    expect(calls).toBe("called\n");
  });

  test("passes over a platform's package that does not run here", () => {
    const broken = `
mkdir -p "$3/node_modules/@oven/bun-linux-aarch64/bin"
echo "not for this machine" >"$3/node_modules/@oven/bun-linux-aarch64/bin/bun"
chmod +x "$3/node_modules/@oven/bun-linux-aarch64/bin/bun"`;
    machine.program("npm", placeholder + broken + platformPackage);
    expect(machine.run("--where").out).toContain("/@oven/bun-linux-x64/bin/bun\n");
  });

  test("runs Bun's own installer where no platform package came", () => {
    machine.program("npm", placeholder);
    machine.program("node", `[ "$1" = install.js ] && ln -sf "$REAL_BUN" bin/bun.exe`);
    const { out, err } = machine.run("--where");
    expect(out).toContain("/node_modules/bun/bin/bun.exe\n");
    expect(err).toBe(`Fetching Bun ${version} into ${machine.tools} ...\n`);
  });

  test("says so when what came does not run", () => {
    machine.program("npm", placeholder);
    const { status, err } = machine.run("--version");
    expect(status).toBe(1);
    expect(err).toContain(`Bun ${version} was fetched but does not run on this machine`);
  });

  test("shows npm's words when it fails, and leaves nothing half made", () => {
    machine.program("npm", `touch "$3/half"; echo "npm error network is down"; exit 1`);
    const { status, err } = machine.run("--version");
    expect(status).toBe(1);
    expect(err).toContain("npm error network is down");
    const left = readdirSync(dirname(machine.tools)).filter((name) => name.startsWith("tools"));
    expect(left).toEqual([]);
  });

  test("fetches with another Bun where there is no npm", () => {
    const fill = (placeholder + platformPackage).replaceAll("$3", "$PWD");
    machine.program(
      "bun",
      `if [ "$1" = --version ]; then echo 1.0.0; exit; fi
[ "$1 $2 $3" = "add --ignore-scripts bun@${version}" ] || exit 1${fill}`,
    );
    expect(machine.run("--version").out).toBe(`${version}\n`);
  });

  test("says what to install where there is neither npm nor bun", () => {
    const { status, err } = machine.run("--version");
    expect(status).toBe(1);
    expect(err).toContain("Install Node (which brings npm) or Bun");
  });
});
