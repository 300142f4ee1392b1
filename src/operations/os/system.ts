import { closeSync, lstatSync, openSync, renameSync, rmdirSync, unlinkSync } from "node:fs";
import { z } from "../../registry/schema.ts";
import { lazy } from "../../registry/lazy.ts";
import { defineOperation, luaString, type Operation } from "../operation.ts";
import { execute, executeNow } from "../io/standard/command.ts";
import { environmentBytes } from "../io/standard/environment.ts";
import { attempt } from "../io/standard/failure.ts";
import { pathOf, requireRoot, rootPermission } from "../io/standard/reach.ts";
import { temporaryPath } from "../io/standard/temporary.ts";

const command = lazy(() => z.string({ error: "a command is UTF-8 text" }));

/** Host operations of Lua's own `os` in scripts, which have the rights of their user. */
export const system: Operation[] = [
  defineOperation({
    name: "os.execute",
    summary: "Runs a command of the shell.",
    mode: "async",
    arguments: () => [command()],
    permission: rootPermission,
    run({ services, signal }, command) {
      requireRoot(services);
      return execute(command, services.directory, signal);
    },
  }),
  defineOperation({
    name: "os.execute_now",
    summary: "The same, while everything else in this thread waits.",
    mode: "immediate",
    arguments: () => [command()],
    permission: rootPermission,
    run({ services }, command) {
      requireRoot(services);
      return executeNow(command, services.directory);
    },
  }),
  defineOperation({
    name: "os.getenv",
    summary: "A variable of the operating system's environment.",
    mode: "immediate",
    arguments: () => [luaString()],
    permission: (name) => ({ action: "env.get", resource: Buffer.from(name).toString() }),
    run({ services }, name) {
      requireRoot(services);
      return environmentBytes(name);
    },
  }),
  defineOperation({
    name: "os.remove",
    summary: "Removes a file or an empty directory.",
    mode: "immediate",
    arguments: () => [luaString()],
    permission: rootPermission,
    run({ services }, name) {
      const path = pathOf(services, name);
      return attempt(() => {
        if (lstatSync(path).isDirectory()) rmdirSync(path);
        else unlinkSync(path);
        return true;
      });
    },
  }),
  defineOperation({
    name: "os.rename",
    summary: "Renames a file or directory.",
    mode: "immediate",
    arguments: () => [luaString(), luaString()],
    permission: rootPermission,
    run({ services }, from, to) {
      const [source, target] = [pathOf(services, from), pathOf(services, to)];
      return attempt(() => {
        renameSync(source, target);
        return true;
      });
    },
  }),
  defineOperation({
    name: "os.tmpname",
    summary: "The name of a new, empty file.",
    mode: "immediate",
    arguments: [],
    permission: rootPermission,
    run({ services }) {
      requireRoot(services);
      return attempt(() => {
        const path = temporaryPath();
        closeSync(openSync(path, "wx", 0o600));
        return path;
      });
    },
  }),
  defineOperation({
    name: "os.cputime",
    summary: "Seconds of processor time that this program has used.",
    mode: "immediate",
    arguments: [],
    run() {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
  }),
];
