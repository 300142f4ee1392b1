/**
 * Host operations of Lua's own `io` and `require` in scripts, which have the rights of their user. What the
 * operating system refuses is a list of message and error number, as Lua's functions return it; a unit that may not
 * open files at all meets an error.
 * @module
 */
import { readFileSync, statSync, unlinkSync } from "node:fs";
import { z } from "../../../registry/schema.ts";
import { lazy } from "../../../registry/lazy.ts";
import type { LuaValue } from "../../../vm/value.ts";
import {
  bytesOf,
  defineOperation,
  luaString,
  type Operation,
  type OperationContext,
} from "../../operation.ts";
import { Command } from "./command.ts";
import { attempt } from "./failure.ts";
import { StandardFile } from "./file.ts";
import { attemptWaiting, pathOf, requireRoot, rootPermission } from "./reach.ts";
import { temporaryPath } from "./temporary.ts";

const id = lazy(() => z.int());
const limit = lazy(() => z.int().positive());
const text = lazy(() => z.string({ error: "UTF-8 text is expected" }));

function fileOf({ resources }: OperationContext, number: number): StandardFile {
  return resources.get(number, StandardFile);
}

function opened({ resources }: OperationContext, file: StandardFile): LuaValue {
  return { id: resources.add(file), waits: file.waits };
}

const files: Operation[] = [
  defineOperation({
    name: "io.open",
    summary: "Opens a file; `wait` when its opening would wait for another program.",
    mode: "immediate",
    arguments: () => [luaString(), text()],
    permission: rootPermission,
    run(context, name, mode) {
      const path = pathOf(context.services, name);
      return attempt(() => {
        if (statSync(path, { throwIfNoEntry: false })?.isFIFO()) return { wait: true };
        return opened(context, StandardFile.open(path, mode));
      });
    },
  }),
  defineOperation({
    name: "io.open_waiting",
    summary: "Opens a named pipe.",
    mode: "async",
    arguments: () => [luaString(), text()],
    permission: rootPermission,
    run(context, name, mode) {
      const path = pathOf(context.services, name);
      return attemptWaiting(async () =>
        opened(context, await StandardFile.openWaiting(path, mode))
      );
    },
  }),
  defineOperation({
    name: "io.open_temporary",
    summary: "Opens a file that nobody else sees.",
    mode: "immediate",
    arguments: [],
    permission: rootPermission,
    run(context) {
      requireRoot(context.services);
      return attempt(() => {
        const path = Buffer.from(temporaryPath());
        const file = StandardFile.open(path, "x+", 0o600);
        unlinkSync(path);
        return opened(context, file);
      });
    },
  }),
  defineOperation({
    name: "io.file_read_waiting",
    summary: "Bytes of a pipe or device, none at its end.",
    mode: "async",
    arguments: () => [id(), limit()],
    run: (context, number, count) =>
      attemptWaiting(() => fileOf(context, number).readWaiting(count)),
  }),
  defineOperation({
    name: "io.file_flush",
    summary: "Hands what was written to the operating system.",
    mode: "immediate",
    arguments: () => [id()],
    run: (context, number) =>
      attempt(() => {
        fileOf(context, number).drain();
        return true;
      }),
  }),
  defineOperation({
    name: "io.file_seek",
    summary: "Moves the position of an open file.",
    mode: "immediate",
    arguments: () => [id(), text(), z.int()],
    run: (context, number, whence, offset) =>
      attempt(() => fileOf(context, number).seek(whence, offset)),
  }),
  defineOperation({
    name: "io.file_close",
    summary: "Closes a file.",
    mode: "immediate",
    arguments: () => [id()],
    run: ({ resources }, number) =>
      attempt(() => {
        const file = resources.get(number, StandardFile);
        resources.remove(number);
        file.close();
        return true;
      }),
  }),
];

const streams: Operation[] = [
  defineOperation({
    name: "io.input",
    summary: "Bytes of the standard input, none at its end.",
    mode: "async",
    arguments: () => [limit()],
    async run({ terminal, signal }, count) {
      if (!terminal) return ["Bad file descriptor", 9];
      return await terminal.read(count, signal) ?? new Uint8Array(0);
    },
  }),
  defineOperation({
    name: "io.input_now",
    summary: "The same, while everything else in this thread waits.",
    mode: "immediate",
    arguments: () => [limit()],
    run: ({ terminal }, count) =>
      attempt(() => terminal?.readNow?.(count) ?? ["Bad file descriptor", 9]),
  }),
];

const commands: Operation[] = [
  defineOperation({
    name: "io.command",
    summary: "Starts a command of the shell, to read its output or to write its input.",
    mode: "immediate",
    arguments: () => [text(), z.enum(["r", "w"])],
    permission: rootPermission,
    run({ services, resources }, command, mode) {
      requireRoot(services);
      return attempt(() => resources.add(new Command(command, mode, services.directory)));
    },
  }),
  defineOperation({
    name: "io.command_read",
    summary: "Bytes of the output of a command, none at its end.",
    mode: "async",
    arguments: () => [id(), limit()],
    run: ({ resources }, number, count) =>
      attemptWaiting(() => resources.get(number, Command).read(count)),
  }),
  defineOperation({
    name: "io.command_write",
    summary: "Writes to the input of a command.",
    mode: "async",
    arguments: () => [id(), luaString()],
    run: ({ resources }, number, data) =>
      attemptWaiting(async () => {
        await resources.get(number, Command).write(Uint8Array.from(bytesOf(data)));
        return true;
      }),
  }),
  defineOperation({
    name: "io.command_close",
    summary: "Waits for the end of a command.",
    mode: "async",
    arguments: () => [id()],
    run({ resources }, number) {
      const command = resources.get(number, Command);
      resources.remove(number);
      return attemptWaiting(() => command.finish());
    },
  }),
];

/** Code is found and read without being recorded: a workflow's code may change too, and its replay shows that. */
const code: Operation[] = [
  defineOperation({
    name: "io.find_source",
    summary: "The first readable file of some, as an index; 0 when there is none.",
    mode: "pure",
    arguments: () => [z.array(luaString())],
    run({ services }, names) {
      requireRoot(services);
      return 1 +
        names.findIndex((name) =>
          statSync(pathOf(services, name), { throwIfNoEntry: false })?.isFile() === true
        );
    },
  }),
  defineOperation({
    name: "io.read_source",
    summary: "The text of a file of code.",
    mode: "pure",
    arguments: () => [luaString()],
    run: ({ services }, name) => {
      const path = pathOf(services, name);
      return attempt(() => readFileSync(path));
    },
  }),
];

/** Host operations of Lua's own libraries in scripts. */
export const standard: Operation[] = [...files, ...streams, ...commands, ...code];
