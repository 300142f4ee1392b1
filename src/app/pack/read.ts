/**
 * Reads packs. Nothing in a pack is trusted: members that the manifest does not list, other sizes and other hashes
 * are refused, and no path leads out of the folder that files are unpacked into.
 * @module
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { type Entry as Member, openPromise, type ZipFile } from "yauzl";
import { z } from "zod";
import { type Entry, payloadOf } from "../../registry/entry.ts";
import { WippyError } from "../../vm/error.ts";
import {
  type Content,
  entriesName,
  type Manifest,
  manifestName,
  manifestSchema,
  memberName,
  type PackedTest,
  packError,
  packLimits,
  packValue,
  testsName,
  testsSchema,
} from "./pack.ts";

const plain = z.record(z.string(), z.unknown());

const entrySchema = z.array(z.object({
  id: z.string().regex(/^[^:]+:./s),
  kind: z.string().min(1),
  meta: plain,
  data: z.unknown().transform(payloadOf),
  origin: z.object({
    file: z.string(),
    line: z.int(),
    column: z.int(),
    source: z.object({ file: z.string(), line: z.int() }).optional(),
  }).optional(),
}));

/** An open pack. */
export class Pack {
  private constructor(
    readonly manifest: Manifest,
    /** SHA-256 of the manifest, and so of everything in the pack. */
    readonly digest: string,
    readonly zip: ZipFile,
    readonly members: ReadonlyMap<string, Member>,
  ) {}

  /**
   * Opens a pack, which has to be closed.
   *
   * @throws WippyError Invalid for what is no pack or is damaged, NotFound
   */
  static async open(path: string): Promise<Pack> {
    const zip = await openPromise(path, { autoClose: false, strictFileNames: true })
      .catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") {
          throw new WippyError("NotFound", "there is no such file", { retryable: false });
        }
        throw packError(`it is not a pack, or it is truncated: ${error.message}`, error);
      });
    try {
      const members = await membersOf(zip);
      const text = await readMember(zip, members, manifestName, packLimits.manifestBytes);
      if (crc32(text) !== members.get(manifestName)?.crc32) {
        throw packError(`${manifestName} was changed: it has another checksum`);
      }
      const parsed = manifestSchema.safeParse(packValue(text.toString("utf8")));
      if (!parsed.success) {
        const { path, message } = parsed.error.issues[0]!;
        throw packError(
          `${manifestName} is not that of a pack of this wippy: ${path.join(".")} ${message}`,
        );
      }
      checkMembers(parsed.data, members);
      const digest = createHash("sha256").update(text).digest("hex");
      return new Pack(parsed.data, digest, zip, members);
    } catch (error) {
      zip.close();
      throw refusal(error);
    }
  }

  /** The entries, in the order of their identifiers. @throws WippyError Invalid */
  async entries(): Promise<Entry[]> {
    const found = await this.#values(entriesName, this.manifest.entries, entrySchema);
    return found.map(({ origin, ...entry }): Entry => {
      if (origin === undefined) return entry;
      const { source, ...place } = origin;
      return { ...entry, origin: { ...place, ...(source && { source }) } };
    });
  }

  /** The files of tests; none unless they were packed. @throws WippyError Invalid */
  async tests(): Promise<PackedTest[]> {
    const { tests } = this.manifest;
    return tests ? await this.#values(testsName, tests, testsSchema) : [];
  }

  /** What a member holds. @throws WippyError Invalid */
  async #values<Schema extends z.ZodType>(
    name: string,
    content: Content,
    schema: Schema,
  ): Promise<z.output<Schema>> {
    const bytes = await readMember(this.zip, this.members, name, packLimits.entriesBytes)
      .catch((error) => {
        throw refusal(error);
      });
    checkContent(name, content, bytes.length, sha256(bytes));
    const parsed = schema.safeParse(packValue(bytes.toString("utf8")));
    if (parsed.success) return parsed.data;
    const { path, message } = parsed.error.issues[0]!;
    throw packError(`${name}: ${path.join(".")} ${message}`);
  }

  /**
   * Unpacks the files of resources below a folder. Files that are there with the right hash stay.
   *
   * @param folder absolute path; the pack gets a folder of its own in it, named by its digest
   * @returns absolute path of each resource's folder, by the identifier of the entry
   * @throws WippyError Invalid
   */
  async unpack(folder: string): Promise<Map<string, string>> {
    const folders = new Map<string, string>();
    for (const [index, { entry, files }] of this.manifest.resources.entries()) {
      const root = join(folder, this.digest.slice(0, 32), String(index));
      await mkdir(root, { recursive: true });
      for (const { path, ...content } of files) {
        await this.#unpackFile(memberName(index, path), content, join(root, path));
      }
      folders.set(entry, root);
    }
    return folders;
  }

  /** Reads every file without keeping it. @throws WippyError Invalid when one has another hash */
  async check(): Promise<void> {
    for (const [index, { files }] of this.manifest.resources.entries()) {
      for (const { path, ...content } of files) {
        const name = memberName(index, path);
        await this.#read(name, content, () => Promise.resolve());
      }
    }
  }

  /** Passes the bytes of a member on, and checks them at the end. */
  async #read(
    name: string,
    content: Content,
    take: (bytes: Buffer) => Promise<void>,
  ): Promise<void> {
    const hash = createHash("sha256");
    let size = 0;
    try {
      for await (const bytes of chunks(this.zip, this.members, name, content.size)) {
        hash.update(bytes);
        size += bytes.length;
        await take(bytes);
      }
    } catch (error) {
      throw refusal(error);
    }
    checkContent(name, content, size, hash.digest("hex"));
  }

  async #unpackFile(name: string, content: Content, target: string): Promise<void> {
    if (await holds(target, content)) return;
    await mkdir(dirname(target), { recursive: true });
    const part = `${target}.${process.pid}.part`;
    try {
      const handle = await open(part, "w", 0o644);
      try {
        await this.#read(name, content, (bytes) => handle.writeFile(bytes));
      } finally {
        await handle.close();
      }
      // Another start of the same pack writes the same bytes.
      await rename(part, target);
    } catch (error) {
      await rm(part, { force: true });
      throw refusal(error);
    }
  }

  close(): void {
    this.zip.close();
  }
}

async function membersOf(zip: ZipFile): Promise<Map<string, Member>> {
  const most = packLimits.files + 3;
  if (zip.entryCount > most) throw packError(`it has more than ${most} members`);
  const members = new Map<string, Member>();
  for await (const member of zip.eachEntry()) {
    if (members.has(member.fileName)) throw packError(`${member.fileName} is in it twice`);
    members.set(member.fileName, member);
  }
  return members;
}

/** The members have to be those of the manifest, with their sizes. */
function checkMembers(manifest: Manifest, members: ReadonlyMap<string, Member>): void {
  const listed = new Map([[entriesName, manifest.entries.size]]);
  if (manifest.tests) listed.set(testsName, manifest.tests.size);
  let total = 0;
  for (const [index, { files }] of manifest.resources.entries()) {
    for (const { path, size } of files) {
      listed.set(memberName(index, path), size);
      total += size;
    }
  }
  if (total > packLimits.resourceBytes) {
    throw packError(`its files have more than ${packLimits.resourceBytes} bytes`);
  }
  for (const [name, size] of listed) {
    const member = members.get(name);
    if (member === undefined) throw packError(`${name} is missing`);
    if (member.uncompressedSize !== size) throw packError(`${name} does not have ${size} bytes`);
  }
  for (const name of members.keys()) {
    if (name !== manifestName && !listed.has(name)) {
      throw packError(`${name} does not belong to it`);
    }
  }
}

function checkContent(name: string, expected: Content, size: number, hash: string): void {
  if (size === expected.size && hash === expected.sha256) return;
  throw packError(`${name} was changed: its hash is not the one in ${manifestName}`);
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The unpacked bytes of a member, no more than it may have. */
async function* chunks(
  zip: ZipFile,
  members: ReadonlyMap<string, Member>,
  name: string,
  limit: number,
): AsyncGenerator<Buffer> {
  const member = members.get(name);
  if (member === undefined) throw packError(`${name} is missing`);
  if (member.uncompressedSize > limit) throw packError(`${name} has more than ${limit} bytes`);
  let size = 0;
  for await (const chunk of await zip.openReadStreamPromise(member)) {
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > limit) throw packError(`${name} has more than ${limit} bytes`);
    yield bytes;
  }
}

async function readMember(
  zip: ZipFile,
  members: ReadonlyMap<string, Member>,
  name: string,
  limit: number,
): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const bytes of chunks(zip, members, name, limit)) parts.push(bytes);
  return Buffer.concat(parts);
}

/** Whether a regular file has the size and the hash. */
async function holds(path: string, content: Content): Promise<boolean> {
  const stats = await lstat(path).catch(() => undefined);
  if (!stats?.isFile() || stats.size !== content.size) return false;
  const hash = createHash("sha256");
  for await (const bytes of createReadStream(path)) hash.update(bytes as Buffer);
  return hash.digest("hex") === content.sha256;
}

/** What the libraries throw for damaged archives is the pack's fault. */
function refusal(error: unknown): WippyError {
  if (error instanceof WippyError) return error;
  const { message, code } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EACCES" || code === "EROFS" || code === "EPERM") {
    return new WippyError("Unavailable", `cannot unpack it: ${message}`, { cause: error });
  }
  return packError(`it is damaged: ${message}`, error);
}
