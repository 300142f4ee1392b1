/**
 * How commands speak to a running runtime: its admin API, over the local socket in its state folder.
 * @module
 */
import { resolve } from "node:path";
import { askSocket } from "../admin/socket.ts";
import { WippyError } from "../vm/error.ts";
import { CommandError, type Console } from "./terminal/console.ts";

/** Flags of every command that speaks to a runtime. */
export interface ConnectOptions {
  state?: string;
  json?: boolean;
}

/** Answers requests to the admin API. */
export type Ask = (path: string, init?: RequestInit) => Promise<Response>;

/** The state folder that the flags name. */
export function stateOf(console: Console, options: ConnectOptions): string {
  return resolve(console.directory, options.state ?? ".wippy");
}

/** The admin API of a runtime, or the part of it that a journal can answer. */
export class Connection {
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** The JSON of an answer. @throws CommandError what the API says is wrong */
  async get<Result>(
    path: string,
    query: Record<string, string | number | undefined> = {},
  ): Promise<Result> {
    return await this.#json(await this.#ask(address(path, query)));
  }

  /** Has something removed and reads JSON. @throws CommandError what the API says is wrong */
  async delete<Result>(
    path: string,
    query: Record<string, string | number | undefined> = {},
  ): Promise<Result> {
    return await this.#json(await this.#ask(address(path, query), { method: "DELETE" }));
  }

  /** Sends JSON and reads JSON. @throws CommandError what the API says is wrong */
  async post<Result>(
    path: string,
    body: unknown,
    query: Record<string, string | number | undefined> = {},
  ): Promise<Result> {
    return await this.#json(
      await this.#ask(address(path, query), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    );
  }

  async #json<Result>(response: Response): Promise<Result> {
    const text = await response.text();
    if (response.ok) return JSON.parse(text) as Result;
    let detail = text;
    try {
      detail = (JSON.parse(text) as { detail?: string }).detail ?? text;
    } catch {
      // An answer that is no JSON is told as it is.
    }
    throw new CommandError(detail || `the runtime answered ${response.status}`);
  }
}

function address(path: string, query: Record<string, string | number | undefined>): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined)
    .map(([key, value]): [string, string] => [key, String(value)]);
  const search = new URLSearchParams(pairs).toString();
  return `/api/v1${path}${search === "" ? "" : `?${search}`}`;
}

/** Whether an error says that no runtime is there. */
export function isAbsent(error: unknown): boolean {
  return error instanceof WippyError && error.kind === "Unavailable";
}

/** Speaks to the runtime of a state folder. @throws CommandError, from its methods, when there is none */
export function connect(console: Console, options: ConnectOptions): Connection {
  const state = stateOf(console, options);
  return new Connection(async (path, init) => {
    try {
      return await askSocket(state, path, init);
    } catch (error) {
      if (!isAbsent(error)) throw error;
      throw new CommandError(
        `no runtime is running with the state folder ${state}`,
        "start it with wippy run, or name the application with -C or the folder with --state",
      );
    }
  });
}

/** An argument for Lua code: JSON where it is JSON, else text. */
export function readArgument(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
