/**
 * Releases in a folder or at an address, as `scripts/release` makes them.
 * @module
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CommandError } from "../terminal/terminal.ts";
import { type PublicKey, verifyFile } from "./minisign.ts";

/** Limit of a download, in bytes: larger than any release. */
const mostBytes = 2 ** 30;

/** A release at a location. */
export interface Release {
  /** Where it is: a folder or an address. */
  place: string;
  version: string;
  /** Name of the archive, and the SHA-256 that it must have. */
  archive: string;
  sum: string;
}

/**
 * Reads a file of the releases.
 *
 * @param progress called with the number of bytes received, and the total if it is known
 * @throws CommandError when it cannot be read, or ends early
 */
export async function readReleased(
  place: string,
  name: string,
  progress: (done: number, total: number) => void = () => {},
): Promise<Uint8Array> {
  const hint = "name another folder or address with --from";
  if (!/^https?:/i.test(place)) {
    const folder = place.startsWith("file://") ? Bun.fileURLToPath(place) : place;
    return await readFile(join(folder, name)).catch((error: NodeJS.ErrnoException) => {
      throw new CommandError(
        `cannot read ${name} in ${folder}: ${error.code ?? error.message}`,
        hint,
      );
    });
  }
  const address = `${place.replace(/\/$/, "")}/${name}`;
  try {
    const response = await fetch(address);
    if (!response.ok) throw new Error(`status ${response.status}`);
    const total = Number(response.headers.get("content-length") ?? 0);
    const parts: Uint8Array[] = [];
    let done = 0;
    for await (const part of response.body ?? []) {
      parts.push(part);
      done += part.length;
      if (done > mostBytes) throw new Error("it is larger than 1 GiB");
      progress(done, total);
    }
    if (response.headers.get("content-encoding") === null && done < total) {
      throw new Error(`the download ended after ${done} of ${total} bytes`);
    }
    return Buffer.concat(parts);
  } catch (error) {
    throw new CommandError(`cannot download ${address}: ${(error as Error).message}`, hint);
  }
}

/**
 * Finds the release for a target.
 *
 * @param key the key that the releases must be signed with, if given
 * @throws CommandError when there is none, or the signature is missing or wrong
 */
export async function findRelease(
  place: string,
  target: string,
  key: PublicKey | undefined,
): Promise<Release> {
  const sums = await readReleased(place, "SHA256SUMS");
  if (key !== undefined) {
    const signature = await readReleased(place, "SHA256SUMS.minisig");
    try {
      verifyFile(sums, new TextDecoder().decode(signature), key);
    } catch (error) {
      throw new CommandError(
        `SHA256SUMS in ${place}: ${(error as Error).message}; nothing was changed`,
      );
    }
  }
  for (const line of new TextDecoder().decode(sums).split("\n")) {
    const [, sum, archive] = /^([0-9a-f]{64}) [ *](wippy-[\w.+-]+\.(?:tar\.gz|zip))$/.exec(line) ??
      [];
    if (sum === undefined || archive === undefined) continue;
    const ending = `-${target}.${archive.endsWith(".zip") ? "zip" : "tar.gz"}`;
    const version = archive.slice("wippy-".length, -ending.length);
    if (archive.endsWith(ending) && /^\d+\.\d+\.\d+([-+][\w.+-]+)?$/.test(version)) {
      return { place, version, archive, sum };
    }
  }
  throw new CommandError(`${place} has no release for ${target}`);
}

/** Downloads a release's archive. @throws CommandError when its checksum is wrong */
export async function download(
  { place, archive, sum }: Release,
  progress: (done: number, total: number) => void,
): Promise<Uint8Array> {
  const data = await readReleased(place, archive, progress);
  if (new Bun.CryptoHasher("sha256").update(data).digest("hex") === sum) return data;
  throw new CommandError(
    `the checksum of ${archive} is wrong: the download is damaged or not the published file; ` +
      "nothing was changed",
  );
}
