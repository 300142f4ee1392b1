import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { root } from "../../../scripts/sources.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import {
  filesIn,
  here,
  makeRelease,
  programText,
  serveFolder,
  temporaryFolder,
  writeSums,
} from "./made-release.ts";

const script = join(root, "install.sh");
const archive = `wippy-1.2.3-${here}.tar.gz`;

/** What a run of install.sh is given besides its arguments. */
interface Surroundings {
  /** A folder that comes first on PATH. */
  programs?: string;
  /** A program that runs it, with its arguments. */
  through?: string[];
  home?: string;
}

async function install(args: string[], { programs, through = [], home }: Surroundings = {}) {
  const temporary = temporaryFolder();
  chmodSync(temporary, 0o777);
  const path = [programs, process.env["PATH"]].filter(Boolean).join(":");
  const child = Bun.spawn([...through, "sh", script, ...args], {
    cwd: temporary,
    env: { PATH: path, HOME: home ?? temporary, TMPDIR: temporary },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { out, err, status, left: home === undefined ? readdirSync(temporary) : [] };
}

/** A folder with a program that says something. */
function programSaying(name: string, line: string, status = 0): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, name), `#!/bin/sh\necho '${line}'\nexit ${status}\n`);
  chmodSync(join(folder, name), 0o755);
  return folder;
}

describe("install.sh", () => {
  test("installs from a folder, says what it did, and uninstalls all of it", async () => {
    const from = await makeRelease({ version: "1.2.3" });
    const prefix = join(temporaryFolder(), "new");
    const { out, err, status, left } = await install(["--from", from, "--prefix", prefix]);
    expect({ out, err, status, left }).toEqual({
      out: `Installed wippy 1.2.3 (${here}) as ${prefix}/bin/wippy.\n` +
        `Add it to your PATH: export PATH="${prefix}/bin:$PATH"\n` +
        `Try it: ${prefix}/bin/wippy -C ${prefix}/share/wippy/examples/hello run hello\n`,
      err: "",
      status: 0,
      left: [],
    });
    expect(filesIn(prefix)).toEqual([
      "bin/wippy",
      "share/bash-completion/completions/wippy",
      "share/fish/vendor_completions.d/wippy.fish",
      "share/man/man1/wippy.1",
      "share/wippy/CHANGES.md",
      "share/wippy/LICENSE",
      "share/wippy/NOTICES.txt",
      "share/wippy/README.md",
      "share/wippy/examples/hello/wippy.lock",
      "share/wippy/releases",
      "share/zsh/site-functions/_wippy",
    ]);
    writeFileSync(join(prefix, "bin/other"), "not ours");
    expect(await install(["--uninstall", "--prefix", prefix])).toMatchObject({
      out: `Removed wippy from ${prefix}. State folders (.wippy) of applications are untouched.\n`,
      status: 0,
    });
    expect(filesIn(prefix)).toEqual(["bin/other"]);
    expect(await install(["--uninstall", "--prefix", prefix])).toMatchObject({
      err: `install.sh: there is no wippy in ${prefix}\n`,
      status: 1,
    });
  });

  test("installs into ~/.local from an address, and runs the example", async () => {
    const from = await makeRelease({ version: "1.2.3" });
    const home = temporaryFolder();
    const programs = join(home, ".local/bin");
    mkdirSync(programs, { recursive: true });
    for (const address of [serveFolder(from), `file://${from}/`]) {
      const { out, status } = await install(["--from", address, "--try"], { home, programs });
      expect([status, out]).toEqual([
        0,
        `Installed wippy 1.2.3 (${here}) as ${home}/.local/bin/wippy.\n` +
        `Running: wippy -C ${home}/.local/share/wippy/examples/hello run hello\n` +
        `ran -C ${home}/.local/share/wippy/examples/hello run hello\n`,
      ]);
    }
  });

  test("replaces an older version", async () => {
    const prefix = temporaryFolder();
    for (const version of ["1.2.2", "1.2.3"]) {
      const from = await makeRelease({ version });
      expect((await install(["--from", from, "--prefix", prefix])).status).toBe(0);
    }
    expect(readFileSync(join(prefix, "bin/wippy"), "utf8")).toBe(programText({ version: "1.2.3" }));
    expect(readdirSync(join(prefix, "bin"))).toEqual(["wippy"]);
  });

  test("recognizes a machine with musl", async () => {
    const from = await makeRelease({ version: "1.2.3" });
    const programs = programSaying("getconf", "unknown variable", 1);
    const { out } = await install(["--from", from], { programs });
    expect(out).toStartWith(`Installed wippy 1.2.3 (${here}-musl)`);
  });
});

/** An address whose answers end in the middle. */
function cutShort(data: Buffer): string {
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket) {
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${data.length}\r\n\r\n`);
        socket.write(new Uint8Array(data.subarray(0, 20)));
        socket.end();
      },
    },
  });
  cleanAfterTest(() => server.stop(true));
  return `http://127.0.0.1:${server.port}`;
}

describe("install.sh installs nothing and says one sentence about", () => {
  /** Runs it, and expects that it failed and left nothing. */
  async function refusal(args: string[], surroundings: Surroundings = {}): Promise<string> {
    const prefix = temporaryFolder();
    const { out, err, status, left } = await install([...args, "--prefix", prefix], surroundings);
    expect({ out, status, left, files: filesIn(prefix) })
      .toEqual({ out: "", status: 1, left: [], files: [] });
    return err;
  }

  test("a wrong checksum", async () => {
    const from = await makeRelease({ version: "1.2.3" });
    writeFileSync(
      join(from, archive),
      Buffer.concat([readFileSync(join(from, archive)), Buffer.of(0)]),
    );
    expect(await refusal(["--from", from])).toBe(
      `install.sh: the checksum of ${archive} is wrong: the download is damaged or not the ` +
        "published file; nothing was installed\n",
    );
  });

  test("a truncated file", async () => {
    const from = await makeRelease({ version: "1.2.3" });
    truncateSync(join(from, archive), 300);
    expect(await refusal(["--from", from])).toContain(`the checksum of ${archive} is wrong`);
  });

  test("a download that ends early", async () => {
    const from = await makeRelease({ version: "1.2.3" });
    const address = serveFolder(
      from,
      (name, data) => name === "SHA256SUMS" ? data : data.subarray(0, 100),
    );
    expect(await refusal(["--from", address])).toContain(`the checksum of ${archive} is wrong`);
    const cut = cutShort(readFileSync(join(from, "SHA256SUMS")));
    expect(await refusal(["--from", cut]))
      .toBe(`install.sh: cannot read ${cut}/SHA256SUMS; nothing was installed\n`);
  });

  test("an archive that is none", async () => {
    const from = await makeRelease({ version: "1.2.3" });
    writeFileSync(join(from, archive), "no archive");
    writeSums(from);
    expect(await refusal(["--from", from])).toEndWith(
      `install.sh: ${archive} cannot be unpacked; nothing was installed\n`,
    );
  });

  test("a place without releases", async () => {
    const empty = temporaryFolder();
    expect(await refusal(["--from", empty]))
      .toBe(`install.sh: cannot read ${empty}/SHA256SUMS; nothing was installed\n`);
    const address = serveFolder(empty);
    expect(await refusal(["--from", address]))
      .toBe(`install.sh: cannot read ${address}/SHA256SUMS; nothing was installed\n`);
  });

  test("an unknown target, and one that the release lacks", async () => {
    const from = await makeRelease({ version: "1.2.3" });
    expect(await refusal(["--from", from, "--target", "plan9-x64"])).toBe(
      "install.sh: there is no target plan9-x64; the targets are: linux-x64 linux-arm64 " +
        "linux-x64-musl linux-arm64-musl darwin-x64 darwin-arm64 windows-x64\n",
    );
    expect(await refusal(["--from", from, "--target", "windows-x64"]))
      .toBe(`install.sh: ${from} has no wippy for windows-x64; nothing was installed\n`);
    expect(await refusal(["--from", from], { programs: programSaying("uname", "Plan9") }))
      .toBe(
        "install.sh: there is no release for Plan9; the targets are linux, darwin and windows\n",
      );
  });

  test("an old glibc", async () => {
    const from = await makeRelease({ version: "1.2.3" });
    const programs = programSaying("getconf", "glibc 2.12");
    expect(await refusal(["--from", from], { programs })).toBe(
      "install.sh: this machine has glibc 2.12, and wippy needs 2.17 or later; nothing was installed\n",
    );
  });

  test("a program that does not run", async () => {
    const program = "#!/bin/sh\necho 'Error loading shared library libstdc++.so.6' >&2\nexit 127\n";
    const from = await makeRelease({ version: "1.2.3", program });
    expect(await refusal(["--from", from, "--target", `${here}-musl`])).toBe(
      "install.sh: wippy for musl needs libstdc++; install it (Alpine: apk add libstdc++), then " +
        "run this again\n",
    );
    expect(await refusal(["--from", from])).toBe(
      `install.sh: the program for ${here} does not run on this machine (Error loading shared ` +
        "library libstdc++.so.6); nothing was installed\n",
    );
  });

  test("a flag that is unknown or lacks its value", async () => {
    expect((await install(["--frm", "x"])).err)
      .toBe("install.sh: unknown argument --frm; sh install.sh --help lists them\n");
    expect((await install(["--from"])).err).toBe("install.sh: --from needs a value\n");
  });

  test.skipIf(process.getuid?.() !== 0 || Bun.which("setpriv") === null)(
    "a folder without permission to write (skipped unless root, with setpriv)",
    async () => {
      const from = await makeRelease({ version: "1.2.3" });
      const through = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
      expect(await refusal(["--from", from], { through }))
        .toMatch(/^install.sh: cannot write to .*\/bin; choose another folder with --prefix\n$/);
    },
  );
});

test.skipIf(Bun.which("shellcheck") === null)("shellcheck (skipped without it)", () => {
  const run = Bun.spawnSync(["shellcheck", "-s", "sh", "-S", "warning", script]);
  expect(run.stdout.toString()).toBe("");
});
