import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { orClose } from "../../platform/file-handle.ts";
import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import { WippyError } from "../../vm/error.ts";
import { asLua, type LuaValue } from "../../vm/value.ts";
import { failureOf } from "../fs/failure.ts";
import { OpenFile, openHandle } from "../fs/open-file.ts";
import { type Place, placeOf } from "../fs/volume.ts";
import {
  addedByModule,
  bytesOf,
  defineOperation,
  luaString,
  type Operation,
  type OperationContext,
} from "../operation.ts";
import type { Closable } from "../resources.ts";
import type { Entry, EntryInfo } from "./entry.ts";
import { formatOfName, formats } from "./format.ts";
import { type Budget, options } from "./options.ts";
import type { Source } from "./source.ts";

const handle = lazy(() => addedByModule(z.int()));
const volume = lazy(() => addedByModule(z.string({ error: "a volume id is text" })));
const directory = lazy(() => z.string());
const path = lazy(() => z.string({ error: "a path is UTF-8 text" }));
const name = lazy(() => z.string({ error: "a name is UTF-8 text" }));
const number = lazy(() => z.int());
const size = lazy(() => z.int().positive());
const entryOptions = lazy(() =>
  z.strictObject({
    method: z.enum(["store", "deflate"], { error: "unknown method; use store or deflate" })
      .optional(),
    mode: z.int().min(0).max(0o777, { error: "a mode has at most the bits 0777" }).optional(),
    modified: z.number().min(0).optional(),
  })
);

/** Whoever has a handle of a volume is asked each time: a handle is no right. */
const mayUse = (id: string) => ({ action: "fs.get", resource: id });

const classes = () => import("./reader.ts");

async function openReader(
  { resources }: OperationContext,
  source: Source,
  settings: Parameters<typeof import("./reader.ts").Reader.open>[1],
  file = "",
): Promise<LuaValue> {
  const { Reader } = await classes();
  const reader = await Reader.open(source, settings, file);
  return { handle: resources.add(reader), format: reader.format };
}

async function readerOf({ resources }: OperationContext, id: number) {
  const { Reader } = await classes();
  return resources.get(id, Reader);
}

async function walkerOf({ resources }: OperationContext, id: number) {
  const { Walker } = await classes();
  return resources.get(id, Walker);
}

async function writerOf({ resources }: OperationContext, id: number) {
  const { Writer } = await import("./writer.ts");
  return resources.get(id, Writer);
}

/** The content of an entry that a unit reads. */
class Opened implements Closable {
  constructor(
    readonly reader: { read(size: number): Promise<Uint8Array>; close(): Promise<void> },
  ) {}

  close(): Promise<void> {
    return this.reader.close();
  }
}

/** Makes the directories above a path. */
async function makeAbove({ volume: { mode }, real, path: shown }: Place): Promise<void> {
  try {
    await mkdir(dirname(real), { recursive: true, mode: 0o755 & mode });
  } catch (error) {
    throw failureOf(`extract ${shown}`, error);
  }
}

/** Writes an entry to a path of a volume. */
async function extract(
  { services, signal }: OperationContext,
  { entry, budget }: { entry: Entry; budget: Budget },
  [id, from, to, strip]: [string, string, string, number],
): Promise<boolean> {
  const { targetOf, within } = await import("./entry.ts");
  const target = targetOf(entry.info, to, strip);
  if (target === undefined) return false;
  const place = placeOf(services, id, from, target, "write");
  await makeAbove(place);
  if (entry.info.is_dir) {
    const { mode } = place.volume;
    await mkdir(place.real, { recursive: true, mode: 0o755 & mode })
      .catch((error) => Promise.reject(failureOf(`extract ${place.path}`, error)));
    return true;
  }
  const file = await OpenFile.open(place, "w");
  try {
    for await (const data of within(entry, budget)) {
      if (signal.aborted) {
        throw new WippyError("Canceled", "operation canceled", { retryable: false });
      }
      await file.write(data);
    }
  } finally {
    await file.close();
  }
  return true;
}

const told = (info: EntryInfo) => asLua({ ...info });

/** Host operations of the module `archive`. The module asks for `archive.read` and `archive.write`. */
export const archive: Operation[] = [
  defineOperation({
    name: "archive.open",
    summary: "Opens an archive of a volume.",
    mode: "async",
    arguments: () => [volume(), directory(), path(), options()],
    permission: mayUse,
    async run(context, id, from, file, settings) {
      const place = placeOf(context.services, id, from, file, "read");
      const { FileSource } = await import("./source.ts");
      const source = await orClose(
        await openHandle(place, "r"),
        async (opened) => new FileSource(opened, (await opened.stat()).size, true),
      );
      return await openReader(context, source, settings, file);
    },
  }),
  defineOperation({
    name: "archive.open_file",
    calledAs: "archive.open",
    summary: "Opens an archive of an open file.",
    mode: "async",
    arguments: () => [handle(), options()],
    async run(context, id, settings) {
      const { FileSource } = await import("./source.ts");
      const file = context.resources.get(id, OpenFile);
      const { stats } = await file.stat();
      return await openReader(
        context,
        new FileSource(file.handle, stats.size, false),
        settings,
        file.place.path,
      );
    },
  }),
  defineOperation({
    name: "archive.open_bytes",
    calledAs: "archive.open",
    summary: "Opens an archive in memory.",
    mode: "async",
    arguments: () => [luaString(), options()],
    async run(context, bytes, settings) {
      const { BytesSource } = await import("./source.ts");
      return await openReader(context, new BytesSource(bytesOf(bytes)), settings);
    },
  }),
  defineOperation({
    name: "archive.spool",
    summary: "Takes a stream in, up to a number of bytes.",
    mode: "async",
    arguments: () => [options()],
    async run({ resources }, settings) {
      const { Spool } = await import("./source.ts");
      return resources.add(new Spool(settings.max_total_bytes));
    },
  }),
  defineOperation({
    name: "archive.spool_write",
    summary: "Takes a part of a stream in.",
    mode: "async",
    arguments: () => [handle(), luaString()],
    async run({ resources }, id, data) {
      const { Spool } = await import("./source.ts");
      await resources.get(id, Spool).write(bytesOf(data));
      return true;
    },
  }),
  defineOperation({
    name: "archive.scan",
    summary: "Begins a walk through a stream that was taken in.",
    mode: "async",
    arguments: () => [handle(), options()],
    async run({ resources }, id, settings) {
      const { Spool } = await import("./source.ts");
      const source = resources.get(id, Spool);
      resources.remove(id);
      const { Reader, Walker } = await classes();
      return resources.add(new Walker(await Reader.open(source, settings), true));
    },
  }),
  defineOperation({
    name: "archive.walk",
    summary: "Begins a walk through an open archive.",
    mode: "async",
    arguments: () => [handle()],
    async run(context, id) {
      const { Walker } = await classes();
      return context.resources.add(new Walker(await readerOf(context, id), false));
    },
  }),
  defineOperation({
    name: "archive.next",
    summary: "The next entry of a walk, and its number; nothing at the end.",
    mode: "async",
    arguments: () => [handle()],
    async run(context, id) {
      const next = await (await walkerOf(context, id)).next();
      return next && { number: next.number, entry: told(next.entry.info) };
    },
  }),
  defineOperation({
    name: "archive.entry_read",
    summary: "Bytes of the current entry of a walk, none at its end.",
    mode: "async",
    arguments: () => [handle(), number(), size()],
    run: async (context, id, which, count) =>
      await (await walkerOf(context, id)).read(which, count),
  }),
  defineOperation({
    name: "archive.entry_extract",
    summary:
      "Writes the current entry of a walk to a volume. Returns whether there was something to write.",
    mode: "async",
    arguments: () => [volume(), directory(), z.string(), z.int().min(0), handle(), number()],
    permission: mayUse,
    run: async (context, id, from, to, strip, walker, which) =>
      await extract(context, (await walkerOf(context, walker)).current(which), [
        id,
        from,
        to,
        strip,
      ]),
  }),
  defineOperation({
    name: "archive.stat",
    summary: "What an archive says about an entry.",
    mode: "async",
    arguments: () => [handle(), name()],
    async run(context, id, which) {
      const entry = await (await readerOf(context, id)).find(which);
      return told(entry.info);
    },
  }),
  defineOperation({
    name: "archive.read",
    summary: "The content of an entry.",
    mode: "async",
    arguments: () => [handle(), name()],
    async run(context, id, which) {
      const reader = await readerOf(context, id);
      const { contentOf } = await import("./entry.ts");
      return await contentOf(await reader.find(which), reader.budget);
    },
  }),
  defineOperation({
    name: "archive.stream",
    summary: "Opens an entry to be read piece by piece.",
    mode: "async",
    arguments: () => [handle(), name()],
    async run(context, id, which) {
      const reader = await readerOf(context, id);
      const { EntryReader } = await import("./entry.ts");
      const content = new EntryReader(await reader.find(which), reader.budget);
      return context.resources.add(new Opened(content));
    },
  }),
  defineOperation({
    name: "archive.stream_read",
    summary: "Bytes of an open entry, none at its end.",
    mode: "async",
    arguments: () => [handle(), size()],
    run: ({ resources }, id, count) => resources.get(id, Opened).reader.read(count),
  }),
  defineOperation({
    name: "archive.extract",
    summary: "Writes an entry to a volume.",
    mode: "async",
    arguments: () => [volume(), directory(), z.string(), handle(), name()],
    permission: mayUse,
    async run(context, id, from, to, reader, which) {
      const found = await readerOf(context, reader);
      const entry = await found.find(which);
      return await extract(context, { entry, budget: found.budget }, [id, from, to, 0]);
    },
  }),
  defineOperation({
    name: "archive.create",
    summary: "Begins an archive in a file of a volume.",
    mode: "async",
    arguments: () => [volume(), directory(), path(), options()],
    permission: mayUse,
    async run({ services, resources }, id, from, file, settings) {
      const { formatToWrite, Writer } = await import("./writer.ts");
      const format = formatToWrite(settings.format ?? formatOfName(file));
      const target = await OpenFile.open(placeOf(services, id, from, file, "write"), "w");
      const now = () => Math.floor(services.clock.now() / 1000);
      return resources.add(await Writer.open(format, target, settings, now));
    },
  }),
  defineOperation({
    name: "archive.create_stream",
    calledAs: "archive.create",
    summary: "Begins an archive whose bytes the module takes.",
    mode: "async",
    arguments: () => [options()],
    async run({ services, resources }, settings) {
      const { formatToWrite, Outlet, Writer } = await import("./writer.ts");
      const format = formatToWrite(settings.format);
      const now = () => Math.floor(services.clock.now() / 1000);
      return resources.add(await Writer.open(format, new Outlet(), settings, now));
    },
  }),
  defineOperation({
    name: "archive.add",
    summary: "Adds a file to an archive.",
    mode: "async",
    arguments: () => [handle(), name(), luaString(), entryOptions()],
    async run(context, id, which, data, settings) {
      const bytes = bytesOf(data);
      const { BytesSource, streamOf } = await import("./source.ts");
      const content = streamOf(new BytesSource(bytes));
      return asLua(await (await writerOf(context, id)).add(which, bytes.length, content, settings));
    },
  }),
  defineOperation({
    name: "archive.add_file",
    summary: "Adds a file of a volume to an archive.",
    mode: "async",
    arguments: () => [volume(), directory(), path(), handle(), name()],
    permission: mayUse,
    async run(context, id, from, file, writer, which) {
      const place = placeOf(context.services, id, from, file, "read");
      const target = await writerOf(context, writer);
      const { FileSource, streamOf } = await import("./source.ts");
      const { stats, content } = await orClose(await openHandle(place, "r"), async (opened) => {
        const stats = await opened.stat();
        return { stats, content: streamOf(new FileSource(opened, stats.size, true)) };
      });
      return asLua(
        await target.add(which, stats.size, content, {
          mode: stats.mode & 0o777,
          modified: Math.floor(stats.mtimeMs / 1000),
        }),
      );
    },
  }),
  defineOperation({
    name: "archive.add_dir",
    summary: "Adds a directory to an archive.",
    mode: "async",
    arguments: () => [handle(), name(), entryOptions()],
    run: async (context, id, which, settings) =>
      asLua(await (await writerOf(context, id)).addDirectory(which, settings)),
  }),
  defineOperation({
    name: "archive.finish",
    summary: "Completes an archive.",
    mode: "async",
    arguments: () => [handle()],
    run: async (context, id) => asLua(await (await writerOf(context, id)).finish()),
  }),
  defineOperation({
    name: "archive.progress",
    summary: "How far an archive is: bytes, and whether what was asked is done.",
    mode: "async",
    arguments: () => [handle()],
    run: async (context, id) => asLua(await (await writerOf(context, id)).progress()),
  }),
  defineOperation({
    name: "archive.formats",
    summary: "The formats that there are.",
    mode: "pure",
    arguments: [],
    run: () => [...formats],
  }),
  defineOperation({
    name: "archive.close",
    summary: "Closes an archive, a walk or an entry. Twice is harmless.",
    mode: "async",
    arguments: () => [handle()],
    async run({ resources }, id) {
      await resources.remove(id)?.close();
      return true;
    },
  }),
];
