/**
 * Files in memory: what is in an archive or a folder, before anything of it is written.
 * @module
 */
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import { fromBufferPromise } from "yauzl";
import { isSafePath } from "../app/pack/pack.ts";
import { PackageError } from "./package.ts";

/** Contents by relative path, with `/` between the parts. */
export type FileTree = Map<string, Buffer>;

/** What a package may hold. */
export const treeLimits = { bytes: 64 * 2 ** 20, files: 10_000 } as const;

/** Collects files within the limits. */
class Collector {
  readonly files: FileTree = new Map();
  #bytes = 0;

  constructor(readonly what: string) {}

  /** Counts bytes before they are kept. @throws PackageError */
  count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > treeLimits.bytes) {
      throw new PackageError(`${this.what} has more than ${treeLimits.bytes / 2 ** 20} MiB`);
    }
  }

  /** @throws PackageError for a path that leads out of the package */
  add(path: string, content: Buffer): void {
    const name = path.replace(/^(?:\.\/)+/, "");
    if (!isSafePath(name)) {
      throw new PackageError(`${this.what} has a file with the path ${JSON.stringify(path)}`);
    }
    this.files.set(name, content);
    if (this.files.size > treeLimits.files) {
      throw new PackageError(`${this.what} has more than ${treeLimits.files} files`);
    }
  }

  /** Reads one file of a stream. */
  async take(path: string, stream: AsyncIterable<unknown>): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of stream) {
      this.count((part as Buffer).length);
      parts.push(part as Buffer);
    }
    this.add(path, Buffer.concat(parts));
  }
}

/**
 * Unpacks an archive. Links and other things that are no files are left out.
 *
 * @param name its file name, which tells the format: `.zip`, `.rock`, `.tar`, `.tar.gz` or `.tgz`
 * @throws PackageError when it is damaged, too large or of another format
 */
export async function unpack(data: Buffer, name: string): Promise<FileTree> {
  const collector = new Collector(name);
  try {
    if (/\.(?:zip|rock)$/i.test(name)) await unpackZip(data, collector);
    else if (/\.(?:tar\.gz|tgz)$/i.test(name)) await unpackTar([data], collector, true);
    else if (/\.tar$/i.test(name)) await unpackTar([data], collector, false);
    else throw new PackageError(`${name} is an archive of a format that is not supported`);
  } catch (error) {
    if (error instanceof PackageError) throw error;
    throw new PackageError(`${name} is damaged: ${(error as Error).message}`);
  }
  return collector.files;
}

/** Unpacks a tar archive that arrives in pieces. @throws PackageError */
export async function unpackStream(
  pieces: AsyncIterable<Uint8Array>,
  name: string,
): Promise<FileTree> {
  const collector = new Collector(name);
  await unpackTar(pieces, collector, false);
  return collector.files;
}

async function unpackZip(data: Buffer, collector: Collector): Promise<void> {
  const zip = await fromBufferPromise(data, { strictFileNames: true });
  for await (const entry of zip.eachEntry()) {
    const type = entry.externalFileAttributes >>> 28;
    // 10 is a symbolic link.
    if (entry.fileName.endsWith("/") || type === 10) continue;
    await collector.take(entry.fileName, await zip.openReadStreamPromise(entry));
  }
}

async function unpackTar(
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  collector: Collector,
  compressed: boolean,
): Promise<void> {
  const archive = extract();
  const input = Readable.from(pieces);
  input.once("error", (error) => archive.destroy(error));
  if (compressed) {
    const gunzip = createGunzip();
    gunzip.once("error", (error) => archive.destroy(error));
    input.pipe(gunzip).pipe(archive);
  } else input.pipe(archive);
  try {
    for await (const entry of archive) {
      const { name, type, size } = entry.header;
      if (type !== "file" && type !== "contiguous-file") {
        entry.resume();
        continue;
      }
      if ((size ?? 0) > treeLimits.bytes) collector.count(size ?? 0);
      await collector.take(name, entry);
    }
  } finally {
    input.destroy();
  }
}

const neverRead: ReadonlySet<string> = new Set([".git", ".wippy", "node_modules"]);

/** Reads the files of a folder; links are left out. @throws PackageError */
export function readFolder(folder: string): FileTree {
  const collector = new Collector(folder);
  function walk(directory: string, prefix: string): void {
    for (const item of readdirSync(directory, { withFileTypes: true })) {
      if (neverRead.has(item.name)) continue;
      const path = join(directory, item.name);
      if (item.isDirectory()) walk(path, `${prefix}${item.name}/`);
      else if (item.isFile()) {
        collector.count(lstatSync(path).size);
        collector.add(prefix + item.name, readFileSync(path));
      }
    }
  }
  try {
    walk(folder, "");
  } catch (error) {
    if (error instanceof PackageError) throw error;
    throw new PackageError(`cannot read ${folder}: ${(error as Error).message}`);
  }
  return collector.files;
}

/** The files below a folder of a tree, without the folder's name. */
export function subtree(files: FileTree, folder: string): FileTree {
  const prefix = folder === "" ? "" : `${folder.replace(/^\.\/|\/+$/g, "")}/`;
  const inner: FileTree = new Map();
  for (const [path, content] of files) {
    if (path.startsWith(prefix)) inner.set(path.slice(prefix.length), content);
  }
  return inner;
}

/** Names of the folders at the top. */
export function topFolders(files: FileTree): string[] {
  return [...new Set([...files.keys()].flatMap((path) => /^([^/]+)\//.exec(path)?.[1] ?? []))];
}
