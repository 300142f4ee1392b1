/**
 * The field `payload_codec` of entries: keys that encrypt what runs hold.
 * @module
 */
import type * as zod from "zod";
import { z } from "../registry/schema.ts";

const text = (what: string) => z.string({ error: `${what} must be text` }).min(1);

const codecKey = () =>
  z.object({
    /** Stored with each payload, so that keys can change. */
    id: text("the id of a key").default("default"),
    /** 32 bytes, in base64 or hexadecimal. */
    key: text("the key"),
  });

export const payloadCodec = () =>
  codecKey().extend({
    /** Earlier keys, which only decrypt. */
    previous: z.array(codecKey()).default([]),
  });

/** Keys as an entry has them. */
export type PayloadCodec = zod.output<ReturnType<typeof payloadCodec>>;
