import { expect, test } from "bun:test";
import { kinds, suggestKind } from "../../../src/registry/kinds.ts";

test.each([
  "db.sql.postgres",
  "db.sql.mysql",
  "store.kv.raft",
  "store.kv.crdt",
  "network.tailscale",
  "network.tor",
  "network.i2p",
])(
  "%s is refused with one sentence, which names what there is instead",
  (name) => {
    expect(kinds.has(name)).toBe(false);
    const [, instead] = suggestKind(name).match(/^this wippy [^;]*; use ([\w.]+)$/) ?? [];
    expect(kinds.has(instead!)).toBe(true);
  },
);
