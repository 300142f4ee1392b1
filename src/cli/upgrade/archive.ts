/**
 * Reads the archives of releases.
 * @module
 */
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { extract } from "tar-stream";
import { fromBufferPromise } from "yauzl";

/** Returns the files of a compressed tar archive by path. @throws when it is damaged */
export async function readTarball(data: Uint8Array): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const archive = extract();
  Readable.from([Buffer.from(Bun.gunzipSync(data as Uint8Array<ArrayBuffer>))]).pipe(archive);
  for await (const entry of archive) {
    if (entry.header.type === "file") files.set(entry.header.name, await buffer(entry));
    else entry.resume();
  }
  return files;
}

/** Returns a file of an archive. @throws when the archive is damaged or has no such file */
export async function readMember(
  data: Uint8Array,
  name: string,
  path: string,
): Promise<Uint8Array> {
  const found = name.endsWith(".zip")
    ? await readZipped(data, path)
    : (await readTarball(data)).get(path);
  if (found === undefined) throw new Error(`${name} has no ${path}`);
  return found;
}

async function readZipped(data: Uint8Array, path: string): Promise<Uint8Array | undefined> {
  const archive = await fromBufferPromise(Buffer.from(data));
  for await (const entry of archive.eachEntry()) {
    if (entry.fileName === path) return await buffer(await archive.openReadStreamPromise(entry));
  }
  return undefined;
}
