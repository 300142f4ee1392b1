import { expect, test } from "bun:test";
import { kinds, suggestKind } from "../../../src/registry/kinds.ts";
import { builtinModules, suggestModule } from "../../../src/registry/modules.ts";

test.each([
  "store.kv.raft",
  "store.kv.crdt",
  "network.tailscale",
  "network.tor",
  "network.i2p",
])(
  "%s is refused with one sentence, which names what there is instead",
  (name) => {
    expect(kinds.has(name)).toBe(false);
    const [, instead] = suggestKind(name).match(/^[^;]*\bthis wippy\b[^;]*; use ([\w.]+)$/) ?? [];
    expect(kinds.has(instead!)).toBe(true);
  },
);

test("cdc is refused as a module and as a kind, with what there is instead", () => {
  const sentence = suggestModule("cdc");
  expect(suggestKind("cdc.postgres")).toBe(sentence);
  const [, instead] = sentence.match(/^cdc streams the changes of a database, [^;]*; use (\w+),/) ??
    [];
  expect(builtinModules.has(instead!)).toBe(true);
});
