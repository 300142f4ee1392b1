/**
 * Tokens of an entry `security.token_store`: what stands for an actor and a scope outside of the runtime.
 * @module
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type * as zod from "zod";
import { decodeEntry } from "../../registry/decode.ts";
import { parseDuration } from "../../registry/duration.ts";
import { type Entry, parseId, qualify } from "../../registry/entry.ts";
import { tokenStore } from "../../registry/kinds/security.ts";
import type { Variables } from "../../registry/placeholder.ts";
import { z } from "../../registry/schema.ts";
import { pack, unpack } from "../../vm/codec.ts";
import { WippyError } from "../../vm/error.ts";
import { asLua, type LuaValue, numberOf } from "../../vm/value.ts";
import { type Policy, policyOf } from "./policies.ts";

/** What a token store needs of the runtime. */
export interface TokenParts {
  entry(id: string): Entry | undefined;
  variables: Variables;
  /** Asks the service of a store; no permission of `store.*` is needed. */
  ask(store: string, operation: string, input: LuaValue): Promise<LuaValue>;
  /** Random bytes, fit for secrets. */
  random(count: number): Uint8Array;
  /** Milliseconds since 1970. */
  now(): number;
}

/** Whom a token stands for. */
export interface Bearer {
  actor: { id: string; meta: LuaValue };
  /** Identifiers of the scope's policies. */
  policies: readonly string[];
  /** Kept with the token, and returned to nobody. */
  meta: LuaValue;
}

/** The identity behind a token. */
export interface Identity {
  actor: { id: string; meta: LuaValue };
  /** The token's policies as they are registered now, without those that are gone: none allow nothing. */
  scope: Policy[];
}

/** A record as a store returns it; JSON has no empty map. */
const record = () =>
  z.object({
    actor_id: z.string(),
    actor_meta: z.custom<LuaValue>(() => true),
    scope_policies: z.array(z.string()).catch([]),
  });

function fail(kind: "Invalid" | "NotFound", message: string): never {
  throw new WippyError(kind, message, { retryable: false });
}

/** Padded, as `base64url` of Node.js is not. */
function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}

/** Milliseconds since 1970 of the last instant of the year 9999, behind which RFC 3339 has none. */
const lastInstant = 253_402_300_799_999;

/**
 * How long a token lives: text such as `"90m"`, or a number of milliseconds.
 *
 * @returns milliseconds; 0 for the default of the token store
 * @throws WippyError Invalid
 */
export function expirationOf(value: LuaValue): number {
  const milliseconds = typeof value === "string" ? parseDuration(value) : numberOf(value ?? 0);
  if (milliseconds !== undefined && Number.isFinite(milliseconds) && milliseconds >= 0) {
    return milliseconds;
  }
  return fail("Invalid", "invalid expiration format");
}

/** Makes, checks and revokes the tokens of one entry. */
export class TokenStore {
  readonly #parts: TokenParts;
  readonly #store: string;
  readonly #settings: zod.output<typeof tokenStore.schema>;

  private constructor(parts: TokenParts, entry: Entry) {
    this.#parts = parts;
    this.#settings = decodeEntry(tokenStore, entry, parts.variables);
    this.#store = qualify(this.#settings.store, parseId(entry.id).namespace);
  }

  /** The token store of an entry as it is now. @throws WippyError NotFound when it is none, Invalid */
  static of(id: string, parts: TokenParts): TokenStore {
    const entry = parts.entry(id);
    if (entry?.kind === tokenStore.name) return new TokenStore(parts, entry);
    return fail("NotFound", `token store not found: ${id}`);
  }

  /**
   * Makes a token: `RANDOM`, or with a key `RANDOM.SIGNATURE`. The store keeps it under `RANDOM`.
   *
   * @param expiration milliseconds; 0: the default of the entry
   * @throws WippyError that of the store
   */
  async create({ actor, policies, meta }: Bearer, expiration: number): Promise<string> {
    const { random, now, ask } = this.#parts;
    const key = base64url(random(this.#settings.token_length));
    const created = now();
    const expires = Math.min(
      created + (expiration || this.#settings.default_expiration),
      lastInstant,
    );
    const value = pack(asLua({
      actor_id: actor.id,
      actor_meta: actor.meta,
      scope_policies: policies,
      created: new Date(created).toISOString(),
      expires: new Date(expires).toISOString(),
      ...(meta !== undefined && meta !== null && { meta }),
    }));
    await ask(this.#store, "put", { key, value, ttl: expires - created });
    return this.#settings.token_key === "" ? key : `${key}.${this.#signature(key)}`;
  }

  /** @throws WippyError Invalid: no token of this store by its form; NotFound: expired or revoked; that of the store */
  async validate(token: string): Promise<Identity> {
    const { ask, entry, variables } = this.#parts;
    const item = await ask(this.#store, "entry", { key: this.#keyOf(token) }).catch((error) => {
      if (WippyError.from(error).kind === "NotFound") fail("NotFound", "token not found");
      throw error;
    });
    const { value } = item as { value: Uint8Array };
    const kept = record().safeParse(unpack(value));
    if (!kept.success) fail("NotFound", "token not found");
    const { actor_id, actor_meta, scope_policies } = kept.data;
    const isMap = typeof actor_meta === "object" && actor_meta !== null &&
      !Array.isArray(actor_meta);
    return {
      actor: { id: actor_id, meta: isMap ? actor_meta : {} },
      scope: scope_policies.flatMap((id) => policyOf(entry(id), variables) ?? []),
    };
  }

  /** Forgets a token; one that is not there is no failure. @throws WippyError as `validate` */
  async revoke(token: string): Promise<void> {
    await this.#parts.ask(this.#store, "delete", { key: this.#keyOf(token) });
  }

  #signature(key: string): string {
    return base64url(createHmac("sha256", this.#settings.token_key).update(key).digest());
  }

  /** The random part of a token whose form, and signature where there is one, are right. */
  #keyOf(token: string): string {
    const [key = "", signature, ...more] = token.split(".");
    const isSigned = this.#settings.token_key !== "";
    const rightForm = /^[A-Za-z0-9_-]+={0,2}$/.test(key) && more.length === 0 &&
      (signature !== undefined) === isSigned;
    if (!rightForm) fail("Invalid", "invalid token format");
    if (signature === undefined) return key;
    const given = Buffer.from(signature);
    const expected = Buffer.from(this.#signature(key));
    if (given.length === expected.length && timingSafeEqual(given, expected)) return key;
    return fail("Invalid", "invalid token format");
  }
}
