/**
 * Makes the executable `dist/wippy`.
 *
 *     bun build.ts [--target bun-linux-arm64]
 *
 * With `--target` it is made for another platform, as `dist/wippy-linux-arm64` for example.
 * @module
 */

import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { BunPlugin } from "bun";
import { collectWorks, noticeFile, noticeText, pageMetafile } from "./scripts/licenses.ts";

const root = import.meta.dir;
const sources = join(root, "src");
const dist = join(root, "dist");

/** The program itself, and the files that it starts as threads or loads by their place, which the bundler cannot see. */
const entrypoints = [
  "src/main.ts",
  "src/registry/zod.ts",
  "src/registry/re2.ts",
  "src/operations/excel/thread.ts",
  "src/worker/thread.ts",
  "src/services/queue/sqlite/thread.ts",
  "src/services/sql/sqlite/thread.ts",
  "src/workflows/providers/sqlite/link/thread.ts",
  "src/workflows/providers/sqlite/read/reading-thread.ts",
];

/** Folders of the embedded files, by platform. */
const embeddedRoot = (target: string) =>
  target.includes("windows") ? "file:///B:/~BUN/root/" : "file:///$bunfs/root/";

/**
 * A module that starts a thread, or loads a library only when it must have it at once, names it `new URL("./thread.ts", import.meta.url)`. In the executable
 * all modules of an entry point share one `import.meta.url`, so the bundle needs the thread's own
 * place: entry points keep their path below src/, with the ending .js.
 */
function threadAddresses(target: string): BunPlugin {
  return {
    name: "thread addresses",
    setup(build) {
      build.onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, async ({ path }) => {
        const text = await Bun.file(path).text();
        return { contents: placeThreads(text, path, embeddedRoot(target)), loader: "ts" };
      });
    },
  };
}

/** Replaces each `new URL("./x.ts", import.meta.url)` of a source by the embedded file's address. */
export function placeThreads(text: string, path: string, embedded: string): string {
  return text.replace(
    /new URL\("(\.[^"]*)\.ts",\s*import\.meta\.url,?\s*\)/g,
    (whole: string, local: string) => {
      const file = resolve(dirname(path), local);
      const entry = relative(root, `${file}.ts`).replaceAll("\\", "/");
      if (!entrypoints.includes(entry)) {
        throw new Error(
          `${relative(root, path)}: ${whole} names ${entry}, which is not among the entrypoints ` +
            `of build.ts and so would be missing from the executable. Add it there.`,
        );
      }
      const place = embedded + relative(sources, file).replaceAll("\\", "/") + ".js";
      return `new URL(${JSON.stringify(place)})`;
    },
  );
}

/**
 * msgpackr looks for a native addon, in the folder where it was built. The executable has none, so
 * that it runs alone and everywhere: msgpackr then does without.
 */
const withoutAddon: BunPlugin = {
  name: "without native addon",
  setup(build) {
    build.onResolve({ filter: /^msgpackr-extract$/ }, ({ path }) => ({ path, namespace: "none" }));
    build.onLoad({ filter: /.*/, namespace: "none" }, () => ({
      contents: "module.exports = undefined;",
      loader: "js",
    }));
  },
};

function fail(message: string): never {
  console.error(`build: ${message}`);
  process.exit(1);
}

/** The short name of the commit, with a plus sign when the tree has changes; "" outside of git. */
function commit(): string {
  const git = (...args: string[]) => {
    const run = Bun.spawnSync(["git", ...args], { cwd: root, stderr: "ignore" });
    return run.success ? run.stdout.toString().trim() : "";
  };
  const name = git("rev-parse", "--short=12", "HEAD");
  return name && git("status", "--porcelain") ? `${name}+` : name;
}

/** The target of this machine's own Bun, which a build without `--target` copies. */
function hostTarget(): string {
  const system = process.platform === "win32" ? "windows" : process.platform;
  // The first page names the dynamic loader.
  const start = readFileSync(process.execPath).subarray(0, 4096);
  return `${system}-${process.arch}${start.includes("/ld-musl-") ? "-musl" : ""}`;
}

/** What the executable's bundle is made of, and how. */
export function bundleOptions(target?: string) {
  return {
    entrypoints: entrypoints.map((entry) => join(root, entry)),
    root: sources,
    target: "bun",
    // Names stay, because errors show them.
    minify: { whitespace: true, syntax: true },
    format: "esm",
    // What a command does not need is not read.
    splitting: true,
    define: {
      WIPPY_COMMIT: JSON.stringify(commit()),
      WIPPY_TARGET: JSON.stringify(target?.replace(/^bun-/, "") ?? hostTarget()),
      WIPPY_IMAGE_FITS: "true",
    },
    plugins: [threadAddresses(target ?? process.platform), withoutAddon],
    throw: false,
  } satisfies Partial<Bun.BuildConfig>;
}

/** Bundles and compiles. Throws where the target or an option is unknown to Bun. */
function bundle(outfile: string, target: string | undefined): Promise<Bun.BuildOutput> {
  return Bun.build({
    ...bundleOptions(target),
    // Bytecode saves more than half of the start-up time.
    bytecode: true,
    sourcemap: "linked",
    compile: {
      outfile,
      ...(target === undefined ? {} : { target: target as Bun.Build.CompileTarget }),
    },
  });
}

/** Writes the licence notices of what the bundle contains to where the bundle embeds them. */
async function writeNotices(target: string | undefined): Promise<void> {
  // The bundle names the file, so it must exist before the bundle that says what it has to hold.
  if (!existsSync(noticeFile)) await Bun.write(noticeFile, "");
  const { metafile, logs } = await Bun.build({ ...bundleOptions(target), metafile: true });
  // What is wrong with the sources is reported by the bundle proper.
  if (metafile === undefined) return logs.forEach((log) => console.error(String(log)));
  await Bun.write(noticeFile, noticeText(collectWorks(metafile, pageMetafile())));
}

async function main(): Promise<void> {
  const { target } = parseArgs({ options: { target: { type: "string" } } }).values;
  if (target !== undefined && !target.startsWith("bun-")) {
    fail(`--target ${target}: Bun's targets look like bun-linux-arm64 or bun-darwin-x64.`);
  }
  for (const entry of entrypoints) {
    if (!existsSync(join(root, entry))) fail(`the entry point ${entry} is missing.`);
  }
  const prepared = Bun.spawnSync([process.execPath, "run", "scripts/prepare.ts"], {
    cwd: root,
    stdout: "inherit",
    stderr: "inherit",
  });
  if (!prepared.success) fail("what the sources need could not be made (see above).");

  // The source maps name files from the current folder.
  process.chdir(root);
  const started = performance.now();
  const outfile = join(dist, `wippy${target?.replace(/^bun/, "") ?? ""}`);
  await writeNotices(target);
  const result = await bundle(outfile, target);
  if (!result.success) {
    for (const log of result.logs) console.error(String(log));
    fail("the executable could not be made (see above).");
  }
  // The maps are in the executable; beside it they are of no use.
  for (const map of new Bun.Glob("*.map").scanSync({ cwd: dist, absolute: true })) rmSync(map);
  const written = result.outputs[0]?.path ?? outfile;
  const size = (statSync(written).size / 2 ** 20).toFixed(1);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${relative(root, written)}: ${size} MiB in ${seconds} s`);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}
