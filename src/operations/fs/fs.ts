import type { Stats } from "node:fs";
import { lstat, mkdir, readdir, rm, rmdir, stat } from "node:fs/promises";
import { basename } from "node:path";
import { z } from "../../registry/schema.ts";
import { lazy } from "../../registry/lazy.ts";
import { WippyError } from "../../vm/error.ts";
import {
  addedByModule,
  bytesOf,
  defineOperation,
  luaString,
  type Operation,
  type OperationContext,
} from "../operation.ts";
import { failureOf } from "./failure.ts";
import { OpenFile, openHandle } from "./open-file.ts";
import { placeOf, volumeOf } from "./volume.ts";

const volume = lazy(() => addedByModule(z.string({ error: "a volume id is text" })));
const directory = lazy(() => addedByModule(z.string()));
const path = lazy(() => z.string({ error: "a path is UTF-8 text" }));
const file = lazy(() => addedByModule(z.int()));
const writeMode = lazy(() => z.enum(["w", "wx", "a"], { error: "unknown mode; use w, wx or a" }));
const openMode = lazy(() =>
  z.enum(["r", "w", "wx", "a"], { error: "unknown mode; use r, w, wx or a" })
);

async function attempt<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw failureOf(what, error);
  }
}

/** Whoever has a handle of a volume is asked each time: a handle is no right. */
const mayUse = (id: string) => ({ action: "fs.get", resource: id });

function typeOf(item: { isDirectory(): boolean }): "directory" | "file" {
  return item.isDirectory() ? "directory" : "file";
}

function describe(name: string, stats: Stats) {
  return {
    name: name === "" ? "/" : name,
    size: stats.size,
    mode: stats.mode & 0o777,
    modified: Math.floor(stats.mtimeMs / 1000),
    is_dir: stats.isDirectory(),
    type: typeOf(stats),
  };
}

function openFile({ resources }: OperationContext, id: number): OpenFile {
  return resources.get(id, OpenFile);
}

/**
 * Host operations of the module `fs`. A path comes with the volume's id and the handle's directory.
 */
export const fs: Operation[] = [
  defineOperation({
    name: "fs.get",
    summary: "Checks that a volume is there.",
    mode: "async",
    arguments: () => [volume()],
    permission: mayUse,
    run({ services }, id) {
      volumeOf(services, id);
      return true;
    },
  }),
  defineOperation({
    name: "fs.readfile",
    summary: "The contents of a file.",
    mode: "async",
    arguments: () => [volume(), directory(), path()],
    permission: mayUse,
    async run({ services }, id, from, name) {
      const place = placeOf(services, id, from, name, "read");
      const handle = await openHandle(place, "r");
      try {
        return await attempt(`read ${place.path}`, () => handle.readFile());
      } finally {
        await handle.close();
      }
    },
  }),
  defineOperation({
    name: "fs.writefile",
    summary: "Writes a whole file, or appends to it.",
    mode: "async",
    arguments: () => [volume(), directory(), path(), luaString(), writeMode()],
    permission: mayUse,
    async run({ services }, id, from, name, data, mode) {
      const opened = await OpenFile.open(placeOf(services, id, from, name, "write"), mode);
      try {
        await opened.write(bytesOf(data));
      } finally {
        await opened.close();
      }
      return true;
    },
  }),
  defineOperation({
    name: "fs.exists",
    summary: "Whether there is a file or directory.",
    mode: "async",
    arguments: () => [volume(), directory(), path()],
    permission: mayUse,
    async run({ services }, id, from, name) {
      const place = placeOf(services, id, from, name, "read");
      try {
        await stat(place.real);
        return true;
      } catch (error) {
        const failure = failureOf(`stat ${place.path}`, error);
        // Below a file there is nothing.
        const nothing = (error as NodeJS.ErrnoException).code === "ENOTDIR";
        if (failure.kind === "NotFound" || nothing) return false;
        throw failure;
      }
    },
  }),
  defineOperation({
    name: "fs.stat",
    summary: "What is known about a file or directory.",
    mode: "async",
    arguments: () => [volume(), directory(), path()],
    permission: mayUse,
    async run({ services }, id, from, name) {
      const place = placeOf(services, id, from, name, "read");
      const stats = await attempt(`stat ${place.path}`, () => stat(place.real));
      return describe(basename(place.path), stats);
    },
  }),
  defineOperation({
    name: "fs.mkdir",
    summary: "Makes one directory.",
    mode: "async",
    arguments: () => [volume(), directory(), path()],
    permission: mayUse,
    async run({ services }, id, from, name) {
      const place = placeOf(services, id, from, name, "write");
      try {
        await mkdir(place.real, { mode: 0o755 & place.volume.mode });
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
          throw failureOf(`mkdir ${place.path}`, error);
        }
        const message = `mkdir ${place.path}: the directory above it does not exist`;
        throw new WippyError("Internal", message, { retryable: false, cause: error });
      }
    },
  }),
  defineOperation({
    name: "fs.remove",
    summary: "Removes a file, a link or an empty directory.",
    mode: "async",
    arguments: () => [volume(), directory(), path()],
    permission: mayUse,
    async run({ services }, id, from, name) {
      const place = placeOf(services, id, from, name, "write", false);
      if (place.real === place.volume.root) {
        throw new WippyError("Invalid", "remove /: the root of a volume stays", {
          retryable: false,
        });
      }
      await attempt(`remove ${place.path}`, async () => {
        const isDirectory = (await lstat(place.real)).isDirectory();
        await (isDirectory ? rmdir(place.real) : rm(place.real));
      });
      return true;
    },
  }),
  defineOperation({
    name: "fs.readdir",
    summary: "The names in a directory, sorted, each with its type.",
    mode: "async",
    arguments: () => [volume(), directory(), path()],
    permission: mayUse,
    async run({ services }, id, from, name) {
      const place = placeOf(services, id, from, name, "read");
      const items = await attempt(
        `readdir ${place.path}`,
        () => readdir(place.real, { withFileTypes: true }),
      );
      return items
        .map((item) => ({ name: item.name, type: typeOf(item) }))
        .sort((left, right) => (left.name < right.name ? -1 : 1));
    },
  }),
  defineOperation({
    name: "fs.chdir",
    summary: "The normal form of a directory's path, if there is one.",
    mode: "async",
    arguments: () => [volume(), directory(), path()],
    permission: mayUse,
    async run({ services }, id, from, name) {
      const place = placeOf(services, id, from, name, "read");
      const stats = await attempt(`chdir ${place.path}`, () => stat(place.real));
      if (stats.isDirectory()) return place.path;
      throw new WippyError("Invalid", `chdir ${place.path}: it is not a directory`, {
        retryable: false,
      });
    },
  }),
  defineOperation({
    name: "fs.open",
    summary: "Opens a file until it is closed or the unit ends.",
    mode: "async",
    arguments: () => [volume(), directory(), path(), openMode()],
    permission: mayUse,
    async run({ services, resources }, id, from, name, mode) {
      const intent = mode === "r" ? "read" : "write";
      const place = placeOf(services, id, from, name, intent);
      return resources.add(await OpenFile.open(place, mode));
    },
  }),
  defineOperation({
    name: "fs.file_read",
    calledAs: "file:read",
    summary: "Bytes of an open file, none at its end.",
    mode: "async",
    arguments: () => [file(), z.int().positive({ error: "a number of bytes above 0 is expected" })],
    run: (context, id, count) => openFile(context, id).read(count),
  }),
  defineOperation({
    name: "fs.file_write",
    calledAs: "file:write",
    summary: "Writes to an open file.",
    mode: "async",
    arguments: () => [file(), luaString()],
    run: (context, id, data) => openFile(context, id).write(bytesOf(data)),
  }),
  defineOperation({
    name: "fs.file_seek",
    calledAs: "file:seek",
    summary: "Moves the position of an open file.",
    mode: "async",
    arguments: () => [
      file(),
      z.enum(["set", "cur", "end"], { error: "unknown whence; use set, cur or end" }),
      z.int(),
    ],
    run: (context, id, whence, offset) => openFile(context, id).seek(whence, offset),
  }),
  defineOperation({
    name: "fs.file_stat",
    summary: "What is known about an open file, with its position.",
    mode: "async",
    arguments: () => [file()],
    async run(context, id) {
      const opened = openFile(context, id);
      const { stats, position } = await opened.stat();
      return {
        ...describe(basename(opened.place.path), stats),
        position,
        readable: opened.readable,
        writable: !opened.readable,
        seekable: true,
      };
    },
  }),
  defineOperation({
    name: "fs.file_sync",
    summary: "Waits until what was written is on the disk.",
    mode: "async",
    arguments: () => [file()],
    async run(context, id) {
      await openFile(context, id).sync();
      return true;
    },
  }),
  defineOperation({
    name: "fs.file_close",
    summary: "Closes a file. Twice is harmless.",
    mode: "async",
    arguments: () => [file()],
    async run({ resources }, id) {
      await resources.remove(id)?.close();
      return true;
    },
  }),
];
