/**
 * Who may use the admin API over the network: tokens with roles, in a file of the state folder that only its owner can
 * read. Of tokens that were made by hand only a hash is kept.
 * @module
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import type * as zod from "zod";
import { lazy } from "../registry/lazy.ts";
import { z } from "../registry/schema.ts";
import { readSecretFile, secretFolder, writeSecretFile } from "../platform/secret-file.ts";
import { WippyError } from "../vm/error.ts";
import { type Role, roles } from "./role.ts";

const stored = lazy(() =>
  z.object({
    tokens: z.array(z.object({
      name: z.string(),
      role: z.enum(roles),
      hash: z.string().regex(/^[0-9a-f]{64}$/),
      created: z.number(),
    })),
  })
);

type Stored = zod.infer<ReturnType<typeof stored>>["tokens"];

/** A token as it is listed. */
export interface TokenInfo {
  name: string;
  role: Role;
  /** Milliseconds since 1970. */
  created: number;
}

/** The token of the file's owner, which is made at the first start. */
export const ownerName = "owner";

/** The file of the owner's token, in the state folder. */
export const ownerFile = "admin-token";

const mostTokens = 200;
/** 24 random bytes, as `owner` writes them. */
const ownerPattern = /^[\w-]{32}$/;
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

function damaged(path: string, fix: string): WippyError {
  return new WippyError("Invalid", `${path} is damaged; ${fix}`, { retryable: false });
}

/** The tokens of a state folder. Its files are read again when another program has changed them. */
export class Tokens {
  readonly #path: string;
  readonly #ownerPath: string;
  #read = -1;
  #tokens: Stored = [];

  /** @throws WippyError PermissionDenied when others could put files into the folder */
  constructor(stateDir: string) {
    secretFolder(stateDir);
    this.#path = join(stateDir, "tokens.json");
    this.#ownerPath = join(stateDir, ownerFile);
  }

  /** The owner's token, of role admin; it is made when there is none. @throws WippyError PermissionDenied, Invalid */
  owner(): string {
    const found = readSecretFile(this.#ownerPath);
    if (found === undefined) {
      const token = randomBytes(24).toString("base64url");
      writeSecretFile(this.#ownerPath, `${token}\n`);
      return token;
    }
    const token = found.text.trim();
    if (!ownerPattern.test(token)) {
      throw damaged(this.#ownerPath, "remove it, and a new token is made");
    }
    return token;
  }

  /** The role that a token stands for; undefined for one that is unknown, or was revoked. */
  roleOf(token: string): Role | undefined {
    return this.#find(token)?.role;
  }

  /** The name of a token; undefined for one that is unknown, or was revoked. */
  nameOf(token: string): string | undefined {
    return this.#find(token)?.name;
  }

  #find(token: string): { name: string; role: Role } | undefined {
    if (token === "") return undefined;
    const hash = Buffer.from(hashOf(token));
    const same = (other: string) => timingSafeEqual(hash, Buffer.from(other));
    if (same(hashOf(this.owner()))) return { name: ownerName, role: "admin" };
    return this.#load().find((known) => same(known.hash));
  }

  /** Every token that was made by hand, the oldest first. */
  list(): TokenInfo[] {
    return this.#load().map(({ name, role, created }) => ({ name, role, created }));
  }

  /** Makes a token. It is shown here only. @throws WippyError Invalid, AlreadyExists */
  create(name: string, role: Role): string {
    if (!namePattern.test(name) || name === ownerName) {
      throw new WippyError(
        "Invalid",
        `"${name}" is not a name for a token; use letters, digits, dots and dashes, and not ${ownerName}`,
        { retryable: false },
      );
    }
    const tokens = this.#load();
    if (tokens.some((known) => known.name === name)) {
      throw new WippyError("AlreadyExists", `a token ${name} exists; revoke it first`, {
        retryable: false,
      });
    }
    if (tokens.length >= mostTokens) {
      throw new WippyError("Conflict", `there are ${mostTokens} tokens; revoke some`, {
        retryable: false,
      });
    }
    const token = randomBytes(24).toString("base64url");
    this.#save([...tokens, { name, role, hash: hashOf(token), created: Date.now() }]);
    return token;
  }

  /** Revokes a token, at once also in a running runtime. @throws WippyError NotFound */
  revoke(name: string): void {
    const tokens = this.#load();
    if (!tokens.some((known) => known.name === name)) {
      throw new WippyError("NotFound", `no token ${name}`, { retryable: false });
    }
    this.#save(tokens.filter((known) => known.name !== name));
  }

  #save(tokens: Stored): void {
    writeSecretFile(this.#path, `${JSON.stringify({ tokens }, undefined, 2)}\n`);
    this.#read = -1;
  }

  #load(): Stored {
    const found = readSecretFile(this.#path);
    if (found === undefined) return this.#tokens = [];
    if (found.changed === this.#read) return this.#tokens;
    const read = stored().safeParse(parse(found.text));
    if (!read.success) throw damaged(this.#path, "remove it and make new tokens");
    this.#read = found.changed;
    return this.#tokens = read.data.tokens;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
