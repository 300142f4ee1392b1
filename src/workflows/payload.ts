/**
 * A packed Lua value: `pack` of `src/vm/codec.ts`. Providers and the node pass it on unread, so a
 * value is encoded where it is made and decoded where it is used.
 */
export type Payload = Uint8Array;
