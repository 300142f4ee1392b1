/**
 * Archives whose bytes depend only on their contents: sorted, without owners, all with one time.
 * @module
 */
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";
import { ZipFile } from "yazl";

/** A file of an archive. */
export interface ArchiveFile {
  /** With slashes, relative. */
  path: string;
  data: Uint8Array;
  /** Whether it is a program. @default false */
  executable?: boolean;
}

const sorted = (files: readonly ArchiveFile[]) =>
  files.toSorted((a, b) => a.path < b.path ? -1 : 1);

/** The folders that lead to the files, outermost first. */
function foldersOf(files: readonly ArchiveFile[]): string[] {
  const folders = new Set<string>();
  for (const { path } of files) {
    const parts = path.split("/").slice(0, -1);
    parts.forEach((_, index) => folders.add(parts.slice(0, index + 1).join("/")));
  }
  return [...folders].sort();
}

/**
 * Makes a tar archive.
 *
 * @param time of every file in it, in seconds since 1970
 */
export async function tar(files: readonly ArchiveFile[], time: number): Promise<Uint8Array> {
  const archive = pack();
  const whole = buffer(archive);
  const owner = { uid: 0, gid: 0, uname: "root", gname: "root", mtime: new Date(time * 1000) };
  for (const name of foldersOf(files)) {
    archive.entry({ ...owner, name: `${name}/`, type: "directory", mode: 0o755 });
  }
  for (const { path, data, executable } of sorted(files)) {
    archive.entry({ ...owner, name: path, mode: executable ? 0o755 : 0o644 }, Buffer.from(data));
  }
  archive.finalize();
  return await whole;
}

/** Compresses; a higher level takes twice as long for half a percent. */
export function gzip(data: Uint8Array): Uint8Array {
  return Bun.gzipSync(data as Uint8Array<ArrayBuffer>, { library: "libdeflate", level: 6 });
}

/** Makes a zip archive. @param time of every file in it, in seconds since 1970 */
export async function zip(files: readonly ArchiveFile[], time: number): Promise<Uint8Array> {
  const archive = new ZipFile();
  // Zip has local time without a zone: that of UTC is the same everywhere.
  const utc = new Date(time * 1000);
  const mtime = new Date(utc.getTime() + utc.getTimezoneOffset() * 60_000);
  for (const { path, data, executable } of sorted(files)) {
    archive.addBuffer(Buffer.from(data), path, {
      mtime,
      forceDosTimestamp: true,
      mode: executable ? 0o100755 : 0o100644,
      compressionLevel: 6,
    });
  }
  archive.end();
  return await buffer(archive.outputStream as Readable);
}
