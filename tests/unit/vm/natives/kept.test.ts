import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "../../../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");

/** Names in kept.as.ts of what does not have the same one in known.lua. */
const OTHERWISE: Readonly<Record<string, string>> = {
  "messaging.message_meta": "MESSAGE_META",
  "channel.meta": "CHANNEL_META",
  '"h"': "QUEUE_FIRST",
  '"t"': "QUEUE_BEHIND",
  "{ false, false }": "RUNNING",
  "of_processes": "PROCESSES",
};

// The natives find the kernel's tables by their place in a list: each must be where the other side thinks it is.
test("natives and kernel have the same list of what the natives know", () => {
  const list = /known = \{\n([^]*?)\n {2}\}\n/.exec(read("lua/kernel/core/known.lua"))![1]!
    .split("\n").map((line) => line.trim().replace(/,$/, "")).filter((item) =>
      !item.startsWith("--")
    );
  const here = Number(/KNOWN_HERE: u32 = (\d+)/.exec(read("src/vm/natives/memory.as.ts"))![1]);
  const kept = read("src/vm/natives/kept.as.ts");
  const places = new Map<string, number>();
  for (
    const [, name, area, offset] of kept.matchAll(/const (\w+): usize = (\w+)(?: \+ (\d+))?;/g)
  ) {
    if (area === "KNOWN") places.set(name!, Number(offset ?? 0) / 4);
    if (area === "MORE_KNOWN") places.set(name!, Number(offset ?? 0) / 4 + here);
  }
  const obligations = places.get("OBLIGATIONS")!;
  places.delete("OBLIGATIONS");
  expect(places.size).toBe(obligations);
  expect(Number(/OBLIGATION_COUNT: usize = (\d+)/.exec(kept)![1])).toBe(list.length - obligations);
  const names = list.slice(0, obligations).map((item) =>
    OTHERWISE[item] ?? item.replaceAll('"', "").replace(/^\w+\./, "").toUpperCase()
  );
  expect([...places].sort(([, a], [, b]) => a - b).map(([name]) => name)).toEqual(names);
});

/** Names in kept.as.ts of what is in the second list under another one. */
const OTHERWISE_SECOND: Readonly<Record<string, string>> = {
  "of_functions": "FUNCTIONS",
  "functions.CALLEE": "RECORD",
  '"first"': "FIRST_QUEUED",
  '"last"': "LAST_QUEUED",
  "room.state": "ROOM",
  "limits.by_host": "LIMITED",
  '"process.host"': "PROCESS_HOST",
  '"running"': "RUNNING_HOST",
  "payload.meta": "PAYLOAD_META",
};

test("natives and kernel have the same list of what calls and spawns use", () => {
  const list = /calls = \{\n([^]*?)\n {2}\}\n/.exec(read("lua/kernel/core/known.lua"))![1]!
    .split("\n").map((line) => line.trim().replace(/,$/, "")).filter((item) =>
      !item.startsWith("--")
    );
  const kept = read("src/vm/natives/kept.as.ts");
  const places = [...kept.matchAll(/const (\w+): usize = (\d+);/g)]
    .filter(([, name]) => name !== "OBLIGATION_COUNT");
  expect(places.map(([, , place]) => Number(place))).toEqual(list.map((_, i) => i));
  expect(places.map(([, name]) => name)).toEqual(
    list.map((item) =>
      OTHERWISE_SECOND[item] ?? item.replaceAll('"', "").replace(/^\w+\./, "").toUpperCase()
    ),
  );
});
