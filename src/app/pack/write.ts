/**
 * Writes packs. The same entries and files give the same bytes: members are sorted and have one date.
 * @module
 */
import { createHash } from "node:crypto";
import { createReadStream, type Dirent } from "node:fs";
import { open, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ZipFile } from "yazl";
import { compareIds, type Entry } from "../../registry/entry.ts";
import {
  type Content,
  entriesName,
  isSafePath,
  type Manifest,
  manifestName,
  memberName,
  type PackedTest,
  packError,
  packLimits,
  packText,
  testsName,
} from "./pack.ts";
import { Pack } from "./read.ts";

/** A folder whose files go into a pack. */
export interface Resource {
  /** Identifier of the entry, which becomes an `fs.embed`. */
  entry: string;
  /** Absolute path. */
  directory: string;
}

/** What a pack is made from. */
export interface PackContents {
  entries: readonly Entry[];
  resources: readonly Resource[];
  /** Files of tests; absent: none are packed. */
  tests?: readonly PackedTest[];
  metadata: Manifest["metadata"];
  /** Absolute paths that are left out of resources: the pack itself, the state folder. */
  skipped: ReadonlySet<string>;
}

interface FileToPack extends Content {
  path: string;
  /** Absolute path. */
  file: string;
}

/** What was written. */
export interface PackSummary {
  entries: number;
  files: number;
  /** Bytes of the pack. */
  size: number;
  /** SHA-256 of the pack, in hexadecimal digits. */
  sha256: string;
}

/**
 * Writes a pack, reads it back and checks it. A file that is there is replaced at the end, at once.
 *
 * @param path absolute path
 * @throws WippyError Invalid for what a pack cannot hold: symbolic links, files that are no regular files
 */
export async function writePack(path: string, contents: PackContents): Promise<PackSummary> {
  const entries = [...contents.entries].sort((left, right) => compareIds(left.id, right.id));
  const text = Buffer.from(packText(entries.map(packed)));
  if (text.length > packLimits.entriesBytes) {
    throw packError(`the entries have more than ${packLimits.entriesBytes} bytes`);
  }
  const tests = contents.tests && Buffer.from(packText(contents.tests));
  if (tests && tests.length > packLimits.entriesBytes) {
    throw packError(`the tests have more than ${packLimits.entriesBytes} bytes`);
  }
  const resources: { entry: string; files: FileToPack[] }[] = [];
  for (const { entry, directory } of contents.resources) {
    resources.push({ entry, files: await filesOf(entry, directory, contents.skipped) });
  }
  resources.sort((left, right) => compareIds(left.entry, right.entry));
  const files = resources.reduce((sum, resource) => sum + resource.files.length, 0);
  if (files > packLimits.files) throw packError(`more than ${packLimits.files} files to embed`);
  const manifest: Manifest = {
    format: "wippy-pack",
    version: 1,
    metadata: {
      ...contents.metadata,
      "wippy.entries": entries.length,
      "wippy.resources": resources.length,
    },
    entries: { size: text.length, sha256: sha256(text) },
    ...(tests && { tests: { size: tests.length, sha256: sha256(tests) } }),
    resources: resources.map(({ entry, files }) => ({
      entry,
      files: files.map(({ path, size, sha256 }) => ({ path, size, sha256 })),
    })),
  };
  const part = `${path}.${process.pid}.part`;
  try {
    await writeArchive(part, manifest, { entries: text, tests }, resources);
    await verify(part);
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  const { size } = await stat(path);
  return { entries: entries.length, files, size, sha256: (await contentOf(path)).sha256 };
}

/** An entry as it is stored: where it was written stays, so that errors name files of the sources. */
function packed({ id, kind, meta, data, origin }: Entry): unknown {
  if (origin === undefined) return { id, kind, meta, data };
  const { file, line, column, source } = origin;
  return { id, kind, meta, data, origin: { file, line, column, ...(source && { source }) } };
}

async function writeArchive(
  path: string,
  manifest: Manifest,
  { entries, tests }: { entries: Buffer; tests: Buffer | undefined },
  resources: readonly { files: FileToPack[] }[],
): Promise<void> {
  const zip = new ZipFile();
  // The local time is what is written, so that it is the same in every zone.
  const options = { mtime: new Date(1980, 0, 1), forceDosTimestamp: true, mode: 0o100644 };
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  zip.on("error", failed.reject);
  // Opened before any file is read: after a failure nothing goes on.
  const target = await open(path, "w", 0o644);
  const output = Readable.from(zip.outputStream);
  const written = pipeline(output, target.createWriteStream());
  written.catch(() => {});
  zip.addBuffer(Buffer.from(JSON.stringify(manifest)), manifestName, options);
  zip.addBuffer(entries, entriesName, options);
  if (tests) zip.addBuffer(tests, testsName, options);
  for (const [index, { files }] of resources.entries()) {
    for (const { path, file, size } of files) {
      zip.addReadStreamLazy(
        memberName(index, path),
        { ...options, size },
        (answer) => answer(null, createReadStream(file).once("error", failed.reject)),
      );
    }
  }
  zip.end();
  try {
    await Promise.race([written, failed.promise]);
  } finally {
    output.destroy();
  }
}

/** Reads a new pack as a runtime would, with all hashes. */
async function verify(path: string): Promise<void> {
  const pack = await Pack.open(path);
  try {
    await pack.entries();
    await pack.tests();
    await pack.check();
  } finally {
    pack.close();
  }
}

/** The files below a directory, sorted by path. */
async function filesOf(
  entry: string,
  directory: string,
  skipped: ReadonlySet<string>,
): Promise<FileToPack[]> {
  const found: FileToPack[] = [];
  const root = await realpath(directory).catch((error: NodeJS.ErrnoException) => {
    throw packError(`${entry}: cannot read ${directory}: ${error.code ?? error.message}`, error);
  });
  const byName = (left: Dirent, right: Dirent) => compareIds(left.name, right.name);
  async function walk(folder: string, prefix: string): Promise<void> {
    for (const item of (await readdir(folder, { withFileTypes: true })).sort(byName)) {
      const path = prefix + item.name;
      const file = join(folder, item.name);
      if (skipped.has(file)) continue;
      if (item.isDirectory()) {
        await walk(file, `${path}/`);
        continue;
      }
      if (!item.isFile()) {
        const what = item.isSymbolicLink() ? "a symbolic link" : "no regular file";
        throw packError(`${entry}: ${path} is ${what}; a pack holds regular files only`);
      }
      if (!isSafePath(path)) {
        throw packError(`${entry}: ${JSON.stringify(path)} is no name for a file on every system`);
      }
      found.push({ path, file, ...await contentOf(file) });
      if (found.length > packLimits.files) {
        throw packError(`${entry}: more than ${packLimits.files} files to embed`);
      }
    }
  }
  await walk(root, "");
  return found;
}

async function contentOf(file: string): Promise<Content> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const bytes of createReadStream(file)) {
    hash.update(bytes as Buffer);
    size += (bytes as Buffer).length;
  }
  return { size, sha256: hash.digest("hex") };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
