/**
 * `wippy serve`: the application with the admin server.
 * @module
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { isLoopback } from "../../admin/guard.ts";
import type { AdminTarget } from "../../admin/route.ts";
import { serveAdmin } from "../../admin/server.ts";
import { ownerFile, Tokens } from "../../admin/tokens.ts";
import { WippyError } from "../../vm/error.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";

/** Where the admin server listens. */
export interface ServeOptions {
  host: string;
  port: number;
  allowHost?: string[];
  tlsCert?: string;
  tlsKey?: string;
  insecure?: boolean;
}

/** @throws CommandError for an address that strangers could reach without encryption */
export function checkServe(options: ServeOptions): void {
  if ((options.tlsCert === undefined) !== (options.tlsKey === undefined)) {
    throw new CommandError("TLS needs both files", "give --tls-cert and --tls-key");
  }
  const encrypted = options.tlsCert !== undefined;
  if (isLoopback(options.host) || encrypted || options.insecure) return;
  throw new CommandError(
    `${options.host} can be reached from other machines, and tokens would travel unencrypted`,
    "give --tls-cert and --tls-key; --insecure listens all the same, for one behind a proxy",
  );
}

/** Listens and says where. @returns stops listening */
export function openServer(
  console: Console,
  target: AdminTarget,
  stateDir: string,
  options: ServeOptions,
): () => Promise<void> {
  checkServe(options);
  const read = (file: string) => {
    try {
      return readFileSync(resolve(console.directory, file), "utf8");
    } catch (error) {
      throw new CommandError(`cannot read ${file}: ${(error as Error).message}`);
    }
  };
  const tls = options.tlsCert !== undefined && options.tlsKey !== undefined
    ? { cert: read(options.tlsCert), key: read(options.tlsKey) }
    : undefined;
  const tokens = new Tokens(stateDir);
  try {
    const server = serveAdmin(target, tokens, {
      host: options.host,
      port: options.port,
      names: (options.allowHost ?? []).map((name) => name.toLowerCase()),
      ...(tls && { tls }),
    });
    const owner = tokens.owner();
    // What standard error is sent to may be read by others, and for long.
    console.err(
      console.terminal
        ? `wippy ${target.version} serves its admin page:\n\n    ${server.url}/sign-in?token=${owner}\n\n`
        : `wippy ${target.version} serves its admin page at ${server.url}; ` +
          `the owner's token is in ${join(stateDir, ownerFile)}\n`,
    );
    return () => server.close();
  } catch (error) {
    const { kind, message } = WippyError.from(error);
    const fix = kind === "Unavailable"
      ? "choose another port with --port; 0 takes a free one"
      : undefined;
    throw new CommandError(message, fix);
  }
}
