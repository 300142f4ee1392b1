/**
 * Fetches the sources that a rockspec names, where a server has no archive of them.
 * @module
 */
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { download } from "./download.ts";
import { type FileTree, treeLimits, unpack } from "./file-tree.ts";
import { fetchFromGit } from "./git.ts";
import { PackageError } from "./package.ts";
import type { Rockspec } from "./rockspec.ts";

/** Addresses of repositories, as LuaRocks writes them; files of this machine are no server's to name. */
const repository = /^(?:git\+(https?|ssh):\/\/|(git):\/\/)(.+)$/;

/**
 * Fetches the files of a rock's source.
 *
 * @throws PackageError where it is not there, not what it should be, or in a kind of place that is not supported
 */
export async function fetchSource({ name, archive, source }: Rockspec): Promise<FileTree> {
  const { url, ref, md5 } = source;
  if (url === undefined) throw new PackageError(`the rockspec of ${name} names no source`);
  const git = repository.exec(url);
  if (git) {
    const address = `${git[1] ?? git[2]}://${git[3]}`;
    return (await fetchFromGit(address, ref, tmpdir())).files;
  }
  if (!/^https?:\/\//.test(url)) {
    throw new PackageError(
      `the sources of ${name} are at ${url}, which is not supported`,
      "fetch them yourself, and add their folder",
    );
  }
  const data = await download(url, treeLimits.bytes);
  if (data === undefined) throw new PackageError(`${url}, the source of ${name}, is not there`);
  if (md5 !== undefined && createHash("md5").update(data).digest("hex") !== md5.toLowerCase()) {
    throw new PackageError(`${url} is not the file that the rockspec of ${name} means (md5)`);
  }
  return archive.endsWith(".lua") ? new Map([[archive, data]]) : await unpack(data, archive);
}
