/**
 * Builds everything that is published for a version, in `dist/release`:
 *
 *     scripts/release [--target linux-x64]... [--out DIR] [--url ADDRESS] [--sign KEYFILE] [--snapshot]
 *         [--archives]
 *
 * `--url` is the address of the release; install.sh downloads from there. `--archives` builds only what install.sh
 * needs. `--sign` signs the checksums with a secret key of minisign, whose password is in WIPPY_SIGN_PASSWORD.
 *
 * The commit must be tagged with the version, `v0.1.0` for example, and the tree must have no changes; `--snapshot`
 * builds a release from any state. Two runs from the same commit produce the same bytes.
 * @module
 */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildExecutable, commit, prepare, writeNotices } from "../build.ts";
import { packageExtension } from "../editors/vscode/package.ts";
import manifest from "../package.json" with { type: "json" };
import { type ArchiveFile, gzip, tar, zip } from "../release/archive.ts";
import { signAdHoc } from "../release/mach-o.ts";
import { debianPackage } from "../release/debian.ts";
import { formula } from "../release/homebrew.ts";
import { mainPackage, platformPackage } from "../release/npm.ts";
import { changesOf } from "../release/notes.ts";
import { fetchRuntime } from "../release/runtime.ts";
import { billOfMaterials } from "../release/sbom.ts";
import { programOf, type Target, targetOf, targets } from "../release/targets.ts";
import { createProgram } from "../src/cli/cli.ts";
import { shellScripts } from "../src/cli/completion/shells.ts";
import { manualPage } from "../src/cli/man/man.ts";
import { readSecretKey, signFile } from "../src/cli/upgrade/minisign.ts";
import { noticeFile } from "./licenses.ts";
import { root, sourceFiles } from "./sources.ts";

const { version } = manifest;

/** What a release is made from. */
interface Source {
  commit: string;
  /** Of the commit, in seconds since 1970: the time of every file. */
  time: number;
}

/** The folder of a release, and its files so far. */
interface Release extends Source {
  out: string;
  /** Names of the files, with their checksums. */
  sums: Map<string, string>;
  archivesOnly: boolean;
}

function git(...args: string[]): string {
  const run = Bun.spawnSync(["git", ...args], { cwd: root });
  if (!run.success) throw new Error(`git ${args.join(" ")}: ${run.stderr.toString().trim()}`);
  return run.stdout.toString().trim();
}

/** Checks that the tree is clean and tagged with the version. @throws */
function sourceOf(snapshot: boolean): Source {
  const time = Number(process.env["SOURCE_DATE_EPOCH"] ?? git("log", "-1", "--format=%ct"));
  const source = { commit: commit(), time };
  if (snapshot) return source;
  if (source.commit.endsWith("+")) {
    throw new Error("the tree has changes; commit them, or pass --snapshot");
  }
  if (!git("tag", "--points-at", "HEAD").split("\n").includes(`v${version}`)) {
    throw new Error(`this commit is not tagged v${version}; tag it, or pass --snapshot`);
  }
  return source;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** The files of every archive besides the program. */
function companions(notes: string): ArchiveFile[] {
  const fromTree = (path: string) => ({ path, data: readFileSync(join(root, path)) });
  return [
    fromTree("README.md"),
    fromTree("LICENSE"),
    { path: "NOTICES.txt", data: readFileSync(noticeFile) },
    { path: "CHANGES.md", data: bytesOf(notes) },
    {
      path: "man/wippy.1",
      data: bytesOf(manualPage(createProgram(undefined as never, () => {}))),
    },
    { path: "completions/wippy.bash", data: bytesOf(shellScripts.bash) },
    { path: "completions/_wippy", data: bytesOf(shellScripts.zsh) },
    { path: "completions/wippy.fish", data: bytesOf(shellScripts.fish) },
    ...sourceFiles("**/*", ["examples/hello"]).map(fromTree),
  ];
}

/** Returns install.sh for an address; without one, its user names it. @throws when it is not an address */
function installer(url: string | undefined): string {
  const script = readFileSync(join(root, "install.sh"), "utf8");
  if (url === undefined) return script;
  if (!/^https?:\/\/[\w.:/~%-]+$/.test(url)) throw new Error(`--url ${url} is not an address`);
  return script.replace("${WIPPY_RELEASES:-}", `\${WIPPY_RELEASES:-${url.replace(/\/$/, "")}}`);
}

/** Writes a file of the release. Returns its size. */
function publish(release: Release, name: string, data: Uint8Array | string): number {
  writeFileSync(join(release.out, name), data);
  release.sums.set(name, new Bun.CryptoHasher("sha256").update(data).digest("hex"));
  return data.length;
}

const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

const factsOf = ({ time }: Release) => ({ ...manifest, time });
const licensesOf = (files: readonly ArchiveFile[]) =>
  files.filter(({ path }) => path === "LICENSE" || path === "NOTICES.txt");
const readmeOf = (files: readonly ArchiveFile[]) => files.find(({ path }) => path === "README.md")!;

/** Builds the executable, the archive and the packages of a target. Returns a row of the table. */
async function releaseTarget(
  release: Release,
  target: Target,
  beside: readonly ArchiveFile[],
  say: (text: string) => void,
): Promise<string> {
  say("runtime");
  const runtime = await fetchRuntime(target);
  say("executable");
  const work = join(release.out, "work");
  const place = { name: target.name, runtime };
  const built = await buildExecutable(join(work, programOf(target)), place, false);
  const compiled = readFileSync(built);
  // Bun signs for arm64, where macOS runs nothing without a signature.
  const program = target.name === "darwin-x64" ? signAdHoc(compiled, "wippy") : compiled;
  rmSync(work, { recursive: true });
  say("archive");
  const name = `wippy-${version}-${target.name}`;
  const content = [{ path: programOf(target), data: program, executable: true }, ...beside];
  const files = content.map((file) => ({ ...file, path: `${name}/${file.path}` }));
  const archive = target.os === "win32"
    ? await zip(files, release.time)
    : gzip(await tar(files, release.time));
  const size = publish(release, `${name}${target.os === "win32" ? ".zip" : ".tar.gz"}`, archive);
  if (!release.archivesOnly) {
    say("packages");
    const made = [await platformPackage(factsOf(release), target, program, licensesOf(beside))];
    if (target.debian !== undefined) {
      made.push(await debianPackage(factsOf(release), target, content));
    }
    for (const { file, data } of made) publish(release, file, data);
  }
  return `| ${target.name} | ${mebibytes(program.length)} | ${mebibytes(size)} |`;
}

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      target: { type: "string", multiple: true },
      out: { type: "string", default: join(root, "dist/release") },
      url: { type: "string" },
      sign: { type: "string" },
      snapshot: { type: "boolean", default: false },
      archives: { type: "boolean", default: false },
    },
  });
  const wanted = values.target?.map(targetOf) ?? targets;
  const out = resolve(values.out);
  const source = sourceOf(values.snapshot);
  // A key that cannot be read is reported now, not at the end.
  const secret = values.sign === undefined
    ? undefined
    : readSecretKey(readFileSync(values.sign, "utf8"), process.env["WIPPY_SIGN_PASSWORD"]);
  const notes = changesOf(
    readFileSync(join(root, "CHANGELOG.md"), "utf8"),
    values.snapshot ? "Unreleased" : version,
  );
  prepare();
  const works = await writeNotices();
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const release: Release = { ...source, out, sums: new Map(), archivesOnly: values.archives };

  console.log(`wippy ${version} (${source.commit}) in ${relative(process.cwd(), out)}`);
  const beside = companions(notes);
  const rows: string[] = [];
  for (const [index, target] of wanted.entries()) {
    const place = `[${index + 1}/${wanted.length}] ${target.name}`;
    rows.push(
      await releaseTarget(release, target, beside, (text) => console.log(`${place}: ${text}`)),
    );
  }
  if (!values.archives) {
    publish(release, "CHANGES.md", notes);
    publish(release, "wippy.cdx.json", billOfMaterials(works, source.commit, source.time));
    const main = await mainPackage(factsOf(release), [...licensesOf(beside), readmeOf(beside)]);
    publish(release, main.file, main.data);
    publish(release, "wippy.rb", formula(version, manifest.description, release.sums, values.url));
    publish(release, "Dockerfile", readFileSync(join(root, "release/Dockerfile")));
    publish(release, "install.sh", installer(values.url));
    const extension = `wippy-${version}.vsix`;
    await packageExtension(join(out, extension));
    publish(release, extension, readFileSync(join(out, extension)));
  }
  const sums = [...release.sums].sort(([a], [b]) => a < b ? -1 : 1);
  const text = bytesOf(sums.map(([name, sum]) => `${sum}  ${name}\n`).join(""));
  writeFileSync(join(out, "SHA256SUMS"), text);
  if (secret !== undefined) {
    const signature = signFile(text, secret, `wippy ${version} ${source.commit}`);
    writeFileSync(join(out, "SHA256SUMS.minisig"), signature);
  }
  console.log(`\n| Target | Executable | Archive |\n| --- | --- | --- |\n${rows.join("\n")}`);
  for (const [name] of sums) {
    console.log(`${mebibytes(statSync(join(out, name)).size).padStart(10)}  ${name}`);
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`release: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
