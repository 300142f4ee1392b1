/**
 * How commands speak to a running runtime: its admin API, over the local socket in its state folder.
 * @module
 */
import { resolve } from "node:path";
import { ApiClient, type Send } from "../admin/client.ts";
import { askSocket } from "../admin/socket.ts";
import { WippyError } from "../vm/error.ts";
import { readForeignJson, writeExact } from "../vm/json.ts";
import { checkValue } from "../vm/limits.ts";
import type { LuaValue } from "../vm/value.ts";
import { CommandError, type Console } from "./terminal/terminal.ts";

/** Flags of every command that speaks to a runtime. */
export interface ConnectOptions {
  state?: string;
  json?: boolean;
}

/** The state folder that the flags name. */
export function stateOf(console: Console, options: ConnectOptions): string {
  return resolve(console.directory, options.state ?? ".wippy");
}

/** Whether an error says that no runtime is there. */
export function isAbsent(error: unknown): boolean {
  return error instanceof WippyError && error.kind === "Unavailable";
}

/** Sends requests to the runtime of a state folder. @throws CommandError, when it is called, where there is none */
export function sender(console: Console, options: ConnectOptions): Send {
  const state = stateOf(console, options);
  return async (path, init) => {
    try {
      return await askSocket(state, path, init);
    } catch (error) {
      if (!isAbsent(error)) throw error;
      throw new CommandError(
        `no runtime is running with the state folder ${state}`,
        "start it with wippy run, or name the application with -C or the folder with --state",
      );
    }
  };
}

/** Speaks to the runtime of a state folder. @throws CommandError, from its methods, when there is none */
export function connect(console: Console, options: ConnectOptions): ApiClient {
  return new ApiClient(sender(console, options), writeExact);
}

/**
 * An argument for Lua code: JSON where it is JSON, else text. Whole numbers keep their 64 bits.
 *
 * @throws CommandError when it nests too deep to be a value, or holds a number that nothing can hold
 */
export function readArgument(text: string): LuaValue {
  try {
    return checkValue(readForeignJson(text, "the argument"), "the argument");
  } catch (error) {
    const { details, message } = WippyError.from(error);
    if (details?.["limit"] !== undefined) throw new CommandError(message);
    return text;
  }
}
