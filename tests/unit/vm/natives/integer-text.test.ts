import { expect, test } from "bun:test";
import { fn, makeVm } from "../make_vm.ts";

/** Integers around all powers of two and ten, and some between them. */
const INTEGERS = [
  ...new Set(
    [
      ...Array.from({ length: 64 }, (_, i) => 1n << BigInt(i)),
      ...Array.from({ length: 19 }, (_, i) => 10n ** BigInt(i)),
      0xcccc_cccdn,
      1234567890123456789n,
    ].flatMap((n) => [-2n, -1n, 0n, 1n, 2n].flatMap((d) => [n + d, -(n + d)]))
      .map((n) => BigInt.asIntN(64, n)),
  ),
];

test("integers have their decimal text wherever one is made", async () => {
  const vm = await makeVm();
  const texts = fn(
    vm,
    "n",
    `return tostring(n), n .. "", "<" .. n .. ">", ("x"):rep(40) .. n, table.concat({ n, n }, " "),
      host.json_encode(n, {}), ("%d"):format(n), ("%s"):format(n), (n .. "|"):sub(1, -2)`,
  );
  const bounds = [-(2n ** 63n), 2n ** 63n - 1n];
  expect(INTEGERS).toEqual(expect.arrayContaining(bounds));
  for (const n of INTEGERS) {
    const [tostring, joined, between, long, list, json, format, string, key] = vm.call(texts, n);
    const text = String(n);
    expect([tostring, joined, json, format, string, key]).toEqual(Array(6).fill(text));
    expect([between, long, list]).toEqual([`<${text}>`, "x".repeat(40) + text, `${text} ${text}`]);
  }
});
