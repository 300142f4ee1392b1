import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { upgrade, type UpgradeOptions } from "../../../src/cli/upgrade/upgrade.ts";
import { signFile } from "../../../src/cli/upgrade/minisign.ts";
import { tellFailure } from "../../../src/cli/terminal/failure.ts";
import { socketPath } from "../../../src/admin/socket.ts";
import { root } from "../../../scripts/sources.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import {
  filesIn,
  here,
  type Made,
  makeRelease,
  programText,
  serveFolder,
  temporaryFolder,
} from "./made-release.ts";

const archive = (version: string) => `wippy-${version}-${here}.tar.gz`;

/** An installed wippy 1.0.0, which the tests upgrade. */
class Installed {
  readonly prefix = temporaryFolder();
  readonly bin = join(this.prefix, "bin");
  readonly path = join(this.bin, "wippy");
  readonly directory = temporaryFolder();
  system: Record<string, string> = { HOME: this.directory };
  version = "1.0.0";

  constructor() {
    mkdirSync(this.bin);
    writeFileSync(this.path, programText({ version: "1.0.0" }));
    chmodSync(this.path, 0o755);
  }

  /** Runs `wippy upgrade`. */
  async upgrade(options: UpgradeOptions = {}) {
    let [out, err] = ["", ""];
    const console = {
      out: (text: string | Uint8Array) => void (out += text),
      err: (text: string | Uint8Array) => void (err += text),
      input: () => Promise.resolve(""),
      directory: this.directory,
      system: this.system,
      terminal: false,
      colour: false,
    };
    const own = { path: this.path, version: this.version, target: here };
    const status = await upgrade(console, options, own)
      .catch((error) => tellFailure(console, error));
    return { status, out, err };
  }

  /** What the executable says that it is. */
  get installed(): string {
    return Bun.spawnSync([this.path, "version", "--short"]).stdout.toString().trim();
  }

  /** Runs `wippy upgrade`, and expects that it failed and changed nothing. */
  async refusal(options: UpgradeOptions): Promise<string> {
    const { status, out, err } = await this.upgrade(options);
    expect({ status, out, files: filesIn(this.bin), installed: this.installed })
      .toEqual({ status: 1, out: "", files: ["wippy"], installed: "1.0.0" });
    return err;
  }
}

describe("wippy upgrade", () => {
  test("--check says which version there is, and changes nothing", async () => {
    const wippy = new Installed();
    const newer = await makeRelease({ version: "1.1.0" });
    expect(await wippy.upgrade({ check: true, from: newer })).toEqual({
      status: 0,
      out: "wippy 1.0.0 is installed. wippy 1.1.0 is available; to install it: wippy upgrade\n",
      err: "",
    });
    const same = await makeRelease({ version: "1.0.0" });
    expect((await wippy.upgrade({ from: same })).out).toBe("wippy 1.0.0 is up to date.\n");
    expect(filesIn(wippy.bin)).toEqual(["wippy"]);
  });

  test("replaces the executable, and goes back and forth", async () => {
    const wippy = new Installed();
    wippy.system["WIPPY_RELEASES"] = serveFolder(await makeRelease({ version: "1.1.0" }));
    expect(await wippy.upgrade()).toEqual({
      status: 0,
      out: `Upgraded ${wippy.path} from 1.0.0 to 1.1.0.\nTo go back: wippy upgrade --back\n`,
      err: "",
    });
    expect([wippy.installed, filesIn(wippy.bin)]).toEqual(["1.1.0", ["wippy", "wippy.previous"]]);
    wippy.version = "1.1.0";
    expect((await wippy.upgrade({ back: true })).out)
      .toBe(`Went back from 1.1.0 to 1.0.0 (${wippy.path}).\n`);
    expect(wippy.installed).toBe("1.0.0");
    wippy.version = "1.0.0";
    await wippy.upgrade({ back: true });
    expect([wippy.installed, filesIn(wippy.bin)]).toEqual(["1.1.0", ["wippy", "wippy.previous"]]);
  });

  test("finds the place that install.sh noted", async () => {
    const wippy = new Installed();
    const from = await makeRelease({ version: "1.1.0" });
    const args = ["--from", from, "--prefix", wippy.prefix];
    const run = Bun.spawnSync(["sh", join(root, "install.sh"), ...args]);
    expect(run.exitCode).toBe(0);
    expect((await wippy.upgrade()).out).toStartWith(`Upgraded ${wippy.path} from 1.0.0 to 1.1.0`);
  });

  test("demands the signature where there is a key", async () => {
    const wippy = new Installed();
    const from = await makeRelease({ version: "1.1.0" });
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const number = Buffer.from("12345678");
    const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
    const key = Buffer.concat([Buffer.from("Ed"), number, raw]).toString("base64");
    expect(await wippy.refusal({ from, key })).toContain(
      `Error: cannot read SHA256SUMS.minisig in ${from}: ENOENT`,
    );
    const signature = signFile(Buffer.from("other"), { number, key: privateKey }, "x");
    writeFileSync(join(from, "SHA256SUMS.minisig"), signature);
    expect(await wippy.refusal({ from, key })).toBe(
      `Error: SHA256SUMS in ${from}: the signature does not match the file; nothing was changed\n`,
    );
    expect(await wippy.refusal({ from, key: "short" }))
      .toBe("Error: the key of the releases: this is not a minisign public key\n");
    const sums = readFileSync(join(from, "SHA256SUMS"));
    writeFileSync(
      join(from, "SHA256SUMS.minisig"),
      signFile(sums, { number, key: privateKey }, "x"),
    );
    expect((await wippy.upgrade({ from, key })).status).toBe(0);
  });
});

describe("wippy upgrade changes nothing and says one sentence about", () => {
  test("no place of releases", async () => {
    expect(await new Installed().refusal({})).toBe(
      "Error: the location of releases is not configured\n" +
        "    hint: name a folder or an address with --from, or set WIPPY_RELEASES\n",
    );
  });

  test("a place without releases, or without one for this target", async () => {
    const wippy = new Installed();
    const empty = temporaryFolder();
    expect(await wippy.refusal({ from: empty })).toBe(
      `Error: cannot read SHA256SUMS in ${empty}: ENOENT\n` +
        "    hint: name another folder or address with --from\n",
    );
    const address = serveFolder(empty);
    expect(await wippy.refusal({ from: address }))
      .toContain(`Error: cannot download ${address}/SHA256SUMS: status 404\n`);
    const other = await makeRelease({ version: "1.1.0", targets: ["plan9-x64"] });
    expect(await wippy.refusal({ from: other })).toBe(
      `Error: ${other} has no release for ${here}\n`,
    );
  });

  test("a wrong checksum and a truncated download", async () => {
    const wippy = new Installed();
    const from = await makeRelease({ version: "1.1.0" });
    const wrong =
      `Error: the checksum of ${archive("1.1.0")} is wrong: the download is damaged or ` +
      "not the published file; nothing was changed\n";
    truncateSync(join(from, archive("1.1.0")), 200);
    expect(await wippy.refusal({ from })).toBe(wrong);
    const address = serveFolder(
      await makeRelease({ version: "1.1.0" }),
      (name, data) => name === "SHA256SUMS" ? data : data.subarray(0, 100),
    );
    expect(await wippy.refusal({ from: address })).toBe(wrong);
  });

  test("an older version, unless it is allowed", async () => {
    const wippy = new Installed();
    const from = await makeRelease({ version: "0.9.0" });
    expect(await wippy.refusal({ from })).toBe(
      "Error: wippy 0.9.0 is older than 1.0.0; nothing was changed\n" +
        "    hint: to install it nevertheless, pass --allow-downgrade\n",
    );
    expect((await wippy.upgrade({ from, allowDowngrade: true })).status).toBe(0);
    expect(wippy.installed).toBe("0.9.0");
  });

  /** Puts a journal of schema 5 where the options look for one. */
  function writeJournal(folder: string): string {
    mkdirSync(folder, { recursive: true });
    const path = join(folder, "journal.db");
    copyFileSync(join(root, "tests/fixtures/journals/schema-5.db"), path);
    return path;
  }

  test("a version that could not read the journal", async () => {
    const wippy = new Installed();
    const older: Made = { version: "0.9.0", schema: 4 };
    const from = await makeRelease(older);
    const path = writeJournal(join(wippy.directory, ".wippy"));
    const refused =
      `Error: wippy 0.9.0 cannot read the journal ${path}: it has schema 5, and that ` +
      "version reads schemas up to 4; nothing was changed\n" +
      "    hint: keep this version, or restore a backup that the other version wrote\n";
    expect(await wippy.refusal({ from, allowDowngrade: true })).toBe(refused);
    writeFileSync(join(wippy.bin, "wippy.previous"), programText(older));
    const { status, err } = await wippy.upgrade({ back: true });
    expect([status, err, wippy.installed]).toEqual([1, refused, "1.0.0"]);
  });

  test("a version that could not read the journal of a script", async () => {
    const wippy = new Installed();
    const from = await makeRelease({ version: "0.9.0", schema: 4 });
    const path = writeJournal(join(wippy.directory, ".local/state/wippy/scripts/a.lua-1"));
    expect(await wippy.refusal({ from, allowDowngrade: true }))
      .toStartWith(`Error: wippy 0.9.0 cannot read the journal ${path}: it has schema 5`);
  });

  test("a runtime that is running", async () => {
    const wippy = new Installed();
    const state = join(wippy.directory, ".wippy");
    mkdirSync(state);
    const server = Bun.serve({ unix: socketPath(state), fetch: () => new Response("{}") });
    cleanAfterTest(() => server.stop(true));
    expect(await wippy.refusal({ from: await makeRelease({ version: "1.1.0" }) })).toBe(
      `Error: a runtime is running with the state folder ${state}; nothing was changed\n` +
        "    hint: stop it with wippy stop, upgrade, and start it again; until then it keeps 1.0.0\n",
    );
  });

  test("a program that does not run here", async () => {
    const program = "#!/bin/sh\necho 'version GLIBC_2.99 not found' >&2\nexit 1\n";
    const from = await makeRelease({ version: "1.1.0", program });
    expect(await new Installed().refusal({ from })).toBe(
      "Error: the other version does not run on this machine (version GLIBC_2.99 not found); " +
        "nothing was changed\n",
    );
  });

  test("nothing to go back to", async () => {
    const wippy = new Installed();
    expect(await wippy.refusal({ back: true }))
      .toBe(`Error: there is no earlier version beside ${wippy.path}\n`);
  });

  test("an executable that something else looks after", async () => {
    const { main } = await import("../../../src/cli/cli.ts");
    let err = "";
    const write = (text: string | Uint8Array) => void (err += text);
    const console = { out: write, err: write, input: () => Promise.resolve(""), directory: "/" };
    expect(await main(["upgrade"], { ...console, system: {}, terminal: false, colour: false }))
      .toBe(1);
    expect(err).toBe(
      "Error: this wippy runs from its sources\n    hint: update the clone with git\n",
    );
  });

  test.skipIf(process.getuid?.() !== 0 || Bun.which("setpriv") === null)(
    "a folder without permission to write (skipped unless root, with setpriv)",
    async () => {
      const wippy = new Installed();
      const from = await makeRelease({ version: "1.1.0" });
      const code = `const { upgrade } = await import(${
        JSON.stringify(join(root, "src/cli/upgrade/upgrade.ts"))
      });
        const console_ = { out() {}, err() {}, directory: ${
        JSON.stringify(wippy.directory)
      }, system: {} };
        const own = ${JSON.stringify({ path: wippy.path, version: "1.0.0", target: here })};
        await upgrade(console_, { from: ${JSON.stringify(from)} }, own)
          .catch((error) => console.log(error.message));`;
      const dropped = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
      const run = Bun.spawnSync([...dropped, process.execPath, "-e", code], { cwd: "/" });
      expect([run.stdout.toString(), run.stderr.toString()])
        .toEqual([`no permission to write to ${wippy.bin}; nothing was changed\n`, ""]);
      expect([filesIn(wippy.bin), wippy.installed]).toEqual([["wippy"], "1.0.0"]);
    },
  );
});
