/** The data of signals, which workers pack for the journal. */
import { expect, test } from "bun:test";
import { packPlain } from "../../../../src/workflows/history/history.ts";
import { packSignal } from "../../../../src/workflows/history/signals.ts";

test("a signal has the bytes of any event, however long its parts are", () => {
  const texts = [
    "",
    "pay",
    "ü".repeat(20),
    "x".repeat(31),
    "x".repeat(32),
    "x".repeat(300),
    "€".repeat(70_000),
  ];
  const lengths = [0, 1, 255, 256, 65_535, 65_536, 200_000, 2 ** 24 + 300];
  for (const name of texts) {
    for (const sender of texts) {
      for (const length of lengths.slice(0, name === "pay" ? undefined : 2)) {
        const payloads = new Uint8Array(length).fill(length % 251);
        const signal = { name, payloads, sender };
        // Twice: the second time its name and its sender are known.
        for (let time = 0; time < 2; time++) {
          expect(Buffer.compare(packSignal(signal), packPlain(signal))).toBe(0);
        }
      }
    }
  }
});

test("many names and senders come and go", () => {
  const payloads = new Uint8Array([0x91, 1]);
  for (let i = 0; i < 5_000; i++) {
    const signal = { name: `n${i}`, payloads, sender: `{app:p|0x${i % 3_000}}` };
    expect(packSignal(signal)).toEqual(packPlain(signal));
  }
});
