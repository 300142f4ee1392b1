/**
 * Makes the executable `dist/wippy`.
 *
 *     bun build.ts [--target linux-arm64]
 *
 * With `--target` it is made for another platform, as `dist/wippy-linux-arm64` for example. `scripts/release` builds
 * releases.
 * @module
 */

import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { BunPlugin } from "bun";
import { fetchRuntime } from "./release/runtime.ts";
import { targetOf } from "./release/targets.ts";
import {
  collectWorks,
  noticeFile,
  noticeText,
  pageMetafile,
  type Work,
} from "./scripts/licenses.ts";

const root = import.meta.dir;
const sources = join(root, "src");
const dist = join(root, "dist");

/** The program itself, and the files that it starts as threads or loads by their place, which the bundler cannot see. */
const entrypoints = [
  "src/main.ts",
  "src/registry/zod.ts",
  "src/workflows/croner.ts",
  "src/registry/re2.ts",
  "src/operations/treesitter/library.ts",
  "src/operations/excel/thread.ts",
  "src/worker/thread.ts",
  "src/services/queue/sqlite/thread.ts",
  "src/services/sql/sqlite/thread.ts",
  "src/testing/jobs/thread.ts",
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

/**
 * zod exports the messages of every language that it knows, half of its code, and all of that would be read with it.
 * Its messages here are English, and those that a schema gives.
 */
const englishZod: BunPlugin = {
  name: "English zod",
  setup(build) {
    build.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
      loader: "js",
    }));
  },
};

/** The short name of the commit, with a plus sign when the tree has changes; "" outside of git. */
export function commit(): string {
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

/** What the executable's bundle is made of, and how. @param target its platform. @default this machine's */
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
      WIPPY_TARGET: JSON.stringify(target ?? hostTarget()),
      WIPPY_IMAGE_FITS: "true",
      // Modules of CommonJS would say in which folder this was built.
      __filename: JSON.stringify("wippy"),
      __dirname: JSON.stringify("."),
    },
    plugins: [threadAddresses(target ?? process.platform), withoutAddon, englishZod],
    throw: false,
  } satisfies Partial<Bun.BuildConfig>;
}

/**
 * Bundles and compiles.
 *
 * @param outfile absolute; an ending `.exe` is added for Windows
 * @param target its platform, and Bun's program for it. @default that of this machine
 * @param maps whether it contains source maps, for traces with `--debug` that name source files. @default true
 * @returns the path of the executable
 * @throws where the sources or the target are wrong
 */
export async function buildExecutable(
  outfile: string,
  target?: { name: string; runtime: string },
  maps = true,
): Promise<string> {
  const result = await Bun.build({
    ...bundleOptions(target?.name),
    // Bytecode saves more than half of the start-up time.
    bytecode: true,
    sourcemap: maps ? "linked" : "none",
    compile: {
      outfile,
      // A folder that a script runs in must not decide what runs: bunfig.toml can name JavaScript to load first.
      autoloadBunfig: false,
      autoloadDotenv: false,
      ...(target === undefined ? {} : {
        target: `bun-${target.name}` as Bun.Build.CompileTarget,
        executablePath: target.runtime,
      }),
    },
  });
  if (!result.success) throw new Error(result.logs.map((log) => String(log)).join("\n"));
  // The maps are in the executable; separate files are not needed.
  for (const map of new Bun.Glob("*.map").scanSync({ cwd: dirname(outfile), absolute: true })) {
    rmSync(map);
  }
  return result.outputs[0]?.path ?? outfile;
}

/** Writes the licence notices of what the bundle contains to where the bundle embeds them. Returns the works. */
export async function writeNotices(): Promise<Work[]> {
  // The bundle names the file, so it must exist before the bundle that says what it has to hold.
  if (!existsSync(noticeFile)) await Bun.write(noticeFile, "");
  const { metafile, logs } = await Bun.build({ ...bundleOptions(), metafile: true });
  if (metafile === undefined) throw new Error(logs.map((log) => String(log)).join("\n"));
  const works = collectWorks(metafile, pageMetafile());
  await Bun.write(noticeFile, noticeText(works));
  return works;
}

/** Makes what the sources need, and goes to where source maps name files from. @throws */
export function prepare(): void {
  for (const entry of entrypoints) {
    if (!existsSync(join(root, entry))) throw new Error(`the entry point ${entry} is missing`);
  }
  const prepared = Bun.spawnSync([process.execPath, "run", "scripts/prepare.ts"], {
    cwd: root,
    stdout: "inherit",
    stderr: "inherit",
  });
  if (!prepared.success) throw new Error("what the sources need could not be made (see above)");
  process.chdir(root);
}

async function main(): Promise<void> {
  const { target: name } = parseArgs({ options: { target: { type: "string" } } }).values;
  const started = performance.now();
  let target: { name: string; runtime: string } | undefined;
  if (name !== undefined) {
    const found = targetOf(name.replace(/^bun-/, ""));
    target = { name: found.name, runtime: await fetchRuntime(found) };
  }
  prepare();
  await writeNotices();
  const outfile = join(dist, target === undefined ? "wippy" : `wippy-${target.name}`);
  const written = await buildExecutable(outfile, target);
  const size = (statSync(written).size / 2 ** 20).toFixed(1);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${relative(root, written)}: ${size} MiB in ${seconds} s`);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error(`build: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  }
}
