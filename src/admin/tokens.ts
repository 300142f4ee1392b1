/**
 * Who may use the admin API over the network: tokens with roles, in a file of the state folder that only its owner can
 * read. Of tokens that were made by hand only a hash is kept.
 * @module
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { WippyError } from "../vm/error.ts";
import { type Role, roles } from "./role.ts";

const stored = z.object({
  tokens: z.array(z.object({
    name: z.string(),
    role: z.enum(roles),
    hash: z.string(),
    created: z.number(),
  })),
});

/** A token as it is listed. */
export interface TokenInfo {
  name: string;
  role: Role;
  /** Milliseconds since 1970. */
  created: number;
}

/** The token of the file's owner, which is made at the first start. */
export const ownerName = "owner";

const mostTokens = 200;
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/** Writes a file that only its owner may read, whole or not at all. */
function writeOwned(path: string, text: string): void {
  const draft = `${path}.${process.pid}.new`;
  writeFileSync(draft, text, { mode: 0o600 });
  chmodSync(draft, 0o600);
  renameSync(draft, path);
}

/** The tokens of a state folder. */
export class Tokens {
  readonly #path: string;
  readonly #ownerPath: string;
  #read = -1;
  #tokens: z.infer<typeof stored>["tokens"] = [];
  #owner: string | undefined;

  constructor(stateDir: string) {
    mkdirSync(stateDir, { recursive: true });
    this.#path = join(stateDir, "tokens.json");
    this.#ownerPath = join(stateDir, "admin-token");
  }

  /** The owner's token, of role admin; it is made when there is none. @throws WippyError PermissionDenied */
  owner(): string {
    if (this.#owner !== undefined) return this.#owner;
    if (!existsSync(this.#ownerPath)) {
      writeOwned(this.#ownerPath, `${randomBytes(24).toString("base64url")}\n`);
    }
    if ((statSync(this.#ownerPath).mode & 0o077) !== 0) {
      throw new WippyError(
        "PermissionDenied",
        `${this.#ownerPath} can be read by others; remove it, and a new token is made`,
        { retryable: false },
      );
    }
    return this.#owner = readFileSync(this.#ownerPath, "utf8").trim();
  }

  /** The role that a token stands for; undefined for one that is none, or no more. */
  roleOf(token: string): Role | undefined {
    const hash = Buffer.from(hashOf(token));
    const same = (other: string) => timingSafeEqual(hash, Buffer.from(other));
    if (same(hashOf(this.owner()))) return "admin";
    return this.#load().find((known) => same(known.hash))?.role;
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
        `"${name}" is no name for a token: letters, digits, dots, dashes; not ${ownerName}`,
        { retryable: false },
      );
    }
    const tokens = this.#load();
    if (tokens.some((known) => known.name === name)) {
      throw new WippyError("AlreadyExists", `there is a token ${name}; revoke it first`, {
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

  /** Makes a token worthless, at once also in a running runtime. @throws WippyError NotFound */
  revoke(name: string): void {
    const tokens = this.#load();
    if (!tokens.some((known) => known.name === name)) {
      throw new WippyError("NotFound", `there is no token ${name}`, { retryable: false });
    }
    this.#save(tokens.filter((known) => known.name !== name));
  }

  #save(tokens: z.infer<typeof stored>["tokens"]): void {
    writeOwned(this.#path, `${JSON.stringify({ tokens }, undefined, 2)}\n`);
    this.#read = -1;
  }

  /** The file, read again when another program has changed it. */
  #load(): z.infer<typeof stored>["tokens"] {
    if (!existsSync(this.#path)) return this.#tokens = [];
    const changed = statSync(this.#path).mtimeMs;
    if (changed === this.#read) return this.#tokens;
    const read = stored.safeParse(parse(readFileSync(this.#path, "utf8")));
    if (!read.success) {
      throw new WippyError("Invalid", `${this.#path} is damaged; remove it and make new tokens`, {
        retryable: false,
      });
    }
    this.#read = changed;
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
