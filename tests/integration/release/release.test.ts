/**
 * A whole release, made as the releaser makes it and tried on every platform that this machine can run. It takes
 * minutes and a gigabyte, so it runs only with WIPPY_LONG_RELEASE; WIPPY_RELEASE names a release to try instead.
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import manifest from "../../../package.json" with { type: "json" };
import { programOf, targets } from "../../../release/targets.ts";
import { root } from "../../../scripts/sources.ts";
import { readMember } from "../../../src/cli/upgrade/archive.ts";
import { readHeader } from "./headers.ts";

const long = process.env["WIPPY_LONG_RELEASE"] !== undefined;
const { version } = manifest;
const minutes = 60_000;

let folder: string;
let release: string;

/** Runs a program, and expects that it succeeds. Returns what it wrote to standard output. */
function run(
  command: string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): string {
  const env = { ...process.env, ...options.env };
  const child = Bun.spawnSync(command, { cwd: options.cwd ?? folder, env, stdin: "ignore" });
  if (!child.success) throw new Error(`${command.join(" ")}: ${child.stderr}${child.stdout}`);
  return child.stdout.toString();
}

/** Unpacks the archive of a target alone in an empty folder. Returns the folder of its files. */
function unpacked(target: string): string {
  const empty = mkdtempSync(join(folder, `${target}-`));
  const name = `wippy-${version}-${target}`;
  const archive = join(release, `${name}${target.startsWith("windows") ? ".zip" : ".tar.gz"}`);
  run(archive.endsWith(".zip") ? ["unzip", "-q", archive] : ["tar", "xzf", archive], {
    cwd: empty,
  });
  expect(readdirSync(empty)).toEqual([name]);
  return join(empty, name);
}

const greeting = "function: Hello, Ada!\n" +
  "process:  greeted Ada 1 times\nprocess:  greeted Ada 2 times\nprocess:  greeted Ada 3 times\n" +
  "workflow: started; kill me now and start me again\n" +
  "workflow: Hello, Ada! This took three seconds, whatever happened meanwhile.\n";

/** Runs the example of an unpacked archive. @param through programs that run its program */
function expectHello(
  place: string,
  through: string[] = [],
  env: Record<string, string> = {},
): void {
  const wippy = [...through, join(place, "wippy")];
  expect(run([...wippy, "version", "--short"], { env })).toBe(`${version}\n`);
  expect(run([...wippy, "run", "hello", "Ada"], { cwd: join(place, "examples/hello"), env }))
    .toBe(greeting);
}

function makeRelease(out: string, sources = root): void {
  run([join(sources, "scripts/release"), "--snapshot", "--out", out], { cwd: sources });
}

const sumsOf = (place: string) => readFileSync(join(place, "SHA256SUMS"), "utf8");

beforeAll(() => {
  if (!long) return;
  folder = mkdtempSync(join(tmpdir(), "wippy-whole-release-"));
  chmodSync(folder, 0o755);
  release = process.env["WIPPY_RELEASE"] ?? join(folder, "release");
  if (!existsSync(release)) makeRelease(release);
}, 20 * minutes);
afterAll(() => {
  if (long) rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(!long)("a release (only with WIPPY_LONG_RELEASE)", () => {
  test("has the same bytes when it is made again", () => {
    const again = join(folder, "again");
    makeRelease(again);
    expect(sumsOf(again)).toBe(sumsOf(release));
    rmSync(again, { recursive: true });
  }, 20 * minutes);

  test("has the checksum of every file", () => {
    run(["sha256sum", "--check", "--strict", "SHA256SUMS"], { cwd: release });
    const listed = sumsOf(release).trim().split("\n").map((line) => line.slice(66)).sort();
    const present = readdirSync(release).filter((name) => !name.startsWith("SHA256SUMS")).sort();
    expect(listed).toEqual(present);
    expect(listed).toContain(`wippy-${version}.vsix`);
  }, minutes);

  test.each(targets.map((target) => [target.name, target] as const))(
    "has a program for %s that contains wippy",
    async (name, target) => {
      const ending = target.os === "win32" ? "zip" : "tar.gz";
      const archive = `wippy-${version}-${name}.${ending}`;
      const path = `wippy-${version}-${name}/${programOf(target)}`;
      const data = readFileSync(join(release, archive));
      const program = Buffer.from(await readMember(data, archive, path));
      const header = readHeader(program);
      expect(header.cpu).toBe(target.cpu);
      expect(header.format)
        .toBe(({ linux: "ELF", darwin: "Mach-O", win32: "PE" } as const)[target.os]);
      if (target.os === "linux") {
        expect(header.loader).toMatch(target.libc === "musl" ? /\/ld-musl-/ : /\/ld-linux-/);
      }
      if (target.os === "darwin") expect(header.signed).toBe(true);
      expect(header.sections).toContain(target.os === "darwin" ? "__bun" : ".bun");
      expect(program.includes(readFileSync(join(root, "build/kernel.image")))).toBe(true);
      const threads = target.os === "win32" ? "B:/~BUN/root/" : "/$bunfs/root/";
      for (const entry of ["worker/thread.js", "workflows/providers/sqlite/link/thread.js"]) {
        expect(program.includes(threads + entry)).toBe(true);
        expect(program.includes(`new URL("file://${target.os === "win32" ? "/" : ""}${threads}`))
          .toBe(true);
      }
      expect(program.includes(root)).toBe(false);
    },
    minutes,
  );

  test.skipIf(process.platform !== "linux")("runs here (skipped unless Linux)", () => {
    expectHello(unpacked(`linux-${process.arch}`));
  }, minutes);

  test.skipIf(process.arch !== "x64" || Bun.which("qemu-aarch64-static") === null)(
    "runs on arm64 (skipped without Debian's qemu-user-static, on x64)",
    () => {
      const libraries = join(folder, "arm64");
      const apt = ["-o", "APT::Architecture=arm64", "-o", "APT::Architectures=arm64"];
      for (const part of ["lists/partial", "cache/archives/partial", "root"]) {
        mkdirSync(join(libraries, part), { recursive: true });
      }
      // Lists of its own, so that the machine's configuration stays as it is.
      apt.push("-o", `Dir::State::Lists=${libraries}/lists`, "-o", `Dir::Cache=${libraries}/cache`);
      run(["apt-get", ...apt, "-q", "update"]);
      run(["apt-get", ...apt, "-q", "download", "libc6:arm64"], { cwd: libraries });
      const file = readdirSync(libraries).find((name) => name.endsWith(".deb"))!;
      run(["dpkg-deb", "-x", join(libraries, file), join(libraries, "root")]);
      expectHello(unpacked("linux-arm64"), ["qemu-aarch64-static", "-L", join(libraries, "root")]);
    },
    10 * minutes,
  );

  const musl = "/lib/ld-musl-x86_64.so.1";
  test.skipIf(!existsSync(musl) || Bun.which("pip") === null || Bun.which("gcc") === null)(
    "runs on musl (skipped without Debian's musl, pip and gcc)",
    () => {
      // Debian has no libstdc++ for musl. Wheels for musl bring one; this one is old enough for Debian's musl, and
      // lacks two functions, which only report errors.
      const place = join(folder, "musl");
      mkdirSync(place);
      const choice = ["--platform", "musllinux_1_1_x86_64", "--python-version", "3.11"];
      const only = ["--no-deps", "--only-binary", ":all:"];
      run(["pip", "download", "-q", ...choice, ...only, "-d", place, "greenlet==3.0.3"]);
      const wheel = readdirSync(place)[0]!;
      run(["unzip", "-q", "-j", wheel, "greenlet.libs/*"], { cwd: place });
      const library = readdirSync(place).find((name) => name.startsWith("libstdc++"))!;
      symlinkSync(library, join(place, "libstdc++.so.6"));
      writeFileSync(
        join(place, "missing.c"),
        "void _ZSt28__throw_bad_array_new_lengthv(void) { __builtin_trap(); }\n" +
          "void _ZSt21__glibcxx_assert_failPKciS0_S0_(void) { __builtin_trap(); }\n",
      );
      const missing = join(place, "missing.so");
      run(["gcc", "-shared", "-nostdlib", "-fPIC", "-o", missing, "missing.c"], { cwd: place });
      expectHello(unpacked("linux-x64-musl"), [
        musl,
        "--library-path",
        place,
        "--preload",
        missing,
      ]);
    },
    3 * minutes,
  );

  test.skipIf(Bun.which("npm") === null || process.platform !== "linux")(
    "runs with npx (skipped without npm, or unless Linux)",
    () => {
      const place = mkdtempSync(join(folder, "npm-"));
      const files = ["wippy", `wippy-linux-${process.arch}`]
        .map((name) => join(release, `npm-${name}-${version}.tgz`));
      writeFileSync(join(place, "package.json"), '{ "private": true }\n');
      cpSync(join(root, "examples/hello"), place, { recursive: true });
      run(["npm", "install", "--offline", "--no-audit", "--no-fund", ...files], { cwd: place });
      expect(run(["npx", "--offline", "wippy", "run", "hello", "Ada"], { cwd: place }))
        .toBe(greeting);
    },
    3 * minutes,
  );

  test.skipIf(process.getuid?.() !== 0 || !existsSync("/var/lib/dpkg/status"))(
    "is installed, run and removed by dpkg (skipped unless root on Debian)",
    () => {
      const architecture = process.arch === "x64" ? "amd64" : "arm64";
      run(["dpkg", "-i", join(release, `wippy_${version}_${architecture}.deb`)]);
      try {
        const place = mkdtempSync(join(folder, "deb-"));
        cpSync("/usr/share/doc/wippy/examples/hello", place, { recursive: true });
        expect(run(["/usr/bin/wippy", "run", "hello", "Ada"], { cwd: place })).toBe(greeting);
        expect(run(["dpkg", "-V", "wippy"])).toBe("");
        const refused = Bun.spawnSync(["/usr/bin/wippy", "upgrade", "--from", release]);
        expect(refused.stderr.toString()).toStartWith("Error: dpkg installed this wippy\n");
      } finally {
        run(["dpkg", "-r", "wippy"]);
      }
      expect(existsSync("/usr/bin/wippy")).toBe(false);
    },
    3 * minutes,
  );

  test.skipIf(process.platform !== "linux")(
    "is installed, upgraded, refused and uninstalled (skipped unless Linux)",
    async () => {
      const prefix = join(folder, "prefix");
      const script = ["sh", join(release, "install.sh")];
      const installed = run([...script, "--from", release, "--prefix", prefix, "--try"]);
      expect(installed).toContain("workflow: Hello, world! This took three seconds");
      const wippy = join(prefix, "bin/wippy");
      expect(run([wippy, "upgrade"])).toBe(`wippy ${version} is up to date.\n`);
      run(["sha256sum", "--check", "--strict", "--ignore-missing", "SHA256SUMS"], { cwd: release });

      // A version that knows only earlier journals: the example left one of the present schema.
      const { makeRelease: make } = await import("./made-release.ts");
      const older = await make({ version: "0.0.1", schema: 1 });
      const example = join(prefix, "share/wippy/examples/hello");
      const downgrade = ["-C", example, "upgrade", "--from", older, "--allow-downgrade"];
      const refused = Bun.spawnSync([wippy, ...downgrade]);
      expect([refused.exitCode, refused.stderr.toString()]).toEqual([
        1,
        expect.stringContaining("wippy 0.0.1 cannot read the journal"),
      ]);
      expect(run([wippy, "version", "--short"])).toBe(`${version}\n`);

      // Upgrades to a newer version, whose program is a script here, and refuses while a runtime runs.
      const newer = await make({ version: "99.0.0", schema: 99 });
      const runtime = Bun.spawn([wippy, "-C", example, "run"], { stderr: "ignore" });
      const { until } = await import("../../until.ts");
      const status = () => Bun.spawnSync([wippy, "-C", example, "status"]).exitCode;
      await until(status, (code) => code === 0, 20_000);
      const busy = Bun.spawnSync([wippy, "-C", example, "upgrade", "--from", newer]);
      expect(busy.stderr.toString()).toStartWith(
        "Error: a runtime is running with the state folder",
      );
      // Not run, which would keep this process from seeing that its child has ended.
      expect(await Bun.spawn([wippy, "-C", example, "stop"]).exited).toBe(0);
      await runtime.exited;
      expect(run([wippy, "-C", example, "upgrade", "--from", newer])).toContain(
        `${version} to 99.0.0`,
      );
      expect(run([wippy, "version", "--short"])).toBe("99.0.0\n");
      expect(run([join(prefix, "bin/wippy.previous"), "version", "--short"])).toBe(`${version}\n`);
      run([...script, "--uninstall", "--prefix", prefix]);
      expect(readdirSync(join(prefix, "bin"))).toEqual([]);
    },
    3 * minutes,
  );

  test.skipIf(process.getuid?.() !== 0 || Bun.which("unshare") === null)(
    "runs in the root that the Dockerfile makes, as another user (skipped unless root, with unshare)",
    () => {
      const place = join(folder, "image");
      mkdirSync(join(place, "archives"), { recursive: true });
      const archive = `wippy-${version}-linux-${process.arch}.tar.gz`;
      cpSync(join(release, archive), join(place, "archives", archive));
      const [, steps] = /^RUN (set -eu;.*?)\n\n/ms.exec(
        readFileSync(join(release, "Dockerfile"), "utf8"),
      )!;
      const moved = steps!.replaceAll("\\\n", "").replaceAll("/root-fs", `${place}/root`)
        .replaceAll("/archives", `${place}/archives`);
      run(["sh", "-c", moved], { env: { TARGETARCH: process.arch === "x64" ? "amd64" : "arm64" } });
      const image = join(place, "root");
      cpSync(join(root, "examples/hello"), join(image, "app"), { recursive: true });
      // What a container has besides its image.
      const wippy = `chroot --userspec=65532:65532 ${image} /usr/bin/wippy`;
      const script = `mkdir -p ${image}/proc ${image}/dev
        mount -t proc proc ${image}/proc && mount --bind /dev ${image}/dev
        ${wippy} -C /app run --state /state hello Ada && ! ${wippy} status --state /state 2>&1`;
      expect(run(["unshare", "-m", "sh", "-c", script], { env: { HOME: "/state" } }))
        .toStartWith(greeting);
    },
    3 * minutes,
  );
});
