import { expect, test } from "bun:test";
import fc from "fast-check";
import { readJson } from "../../../../src/operations/json/read.ts";
import { pack, unpack } from "../../../../src/vm/codec.ts";
import { WippyError } from "../../../../src/vm/error.ts";
import { type LuaValue, Packed } from "../../../../src/vm/vm.ts";
import { fn, makeVm } from "../make_vm.ts";
import { alike } from "./lua_values.ts";

const names = [
  ...[
    "id",
    "name",
    "x",
    "price",
    "count",
    "a",
    "b",
    "c",
    "sku-1234",
    "a title of 40 bytes, which is the most..",
  ],
  ...[
    "eight bt",
    "nine byte",
    "é",
    "",
    "constructor",
    "__proto__",
    "k16",
    "k17",
    "k18",
    "k19",
    "k20",
    "k21",
  ],
];
/** Keys of which the natives leave an object to the host. */
const rare = ["7", "k".repeat(41)];

/** What becomes of one key of an object, whose others are as in the object before. */
interface Change {
  kind: "none" | "drop" | "add" | "rename" | "swap" | "null" | "nest";
  at: number;
  name: string;
}

const change = fc.record({
  kind: fc.constantFrom<Change["kind"]>(
    "none",
    "none",
    "drop",
    "add",
    "rename",
    "swap",
    "null",
    "nest",
  ),
  at: fc.nat(),
  name: fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...names) }, fc.constantFrom(...rare)),
});
const template = fc.record({
  keys: fc.uniqueArray(fc.constantFrom(...names), { maxLength: 18 }),
  /** The place of a key without a value, if there are as many. */
  absent: fc.nat({ max: 30 }),
});
type Template = { keys: string[]; absent: number };
const row = fc.tuple(fc.boolean(), fc.array(change, { maxLength: 2 }));
const objects = fc.tuple(template, template, fc.array(row, { maxLength: 12 }));
type Objects = [Template, Template, [boolean, Change[]][]];

/** The texts of a key and of its value. */
type Pair = [key: string, value: string];

function apply(pairs: Pair[], row: number, { kind, at, name }: Change): void {
  const place = pairs.length === 0 ? 0 : at % pairs.length;
  if (kind === "add") pairs.splice(place, 0, [name, "true"]);
  if (pairs.length === 0) return;
  const pair = pairs[place]!;
  if (kind === "drop") pairs.splice(place, 1);
  else if (kind === "rename") pair[0] = name;
  else if (kind === "null") pair[1] = "null";
  else if (kind === "swap") [pairs[0], pairs[place]] = [pair, pairs[0]!];
  else if (kind === "nest") {
    const key = JSON.stringify(pair[0]);
    pair[1] = `[{"id":${row},"x":{${key}:${at},"b":null}},{"id":0,"x":{}}]`;
  }
}

/** The objects, whose keys are mostly those of the one before; a key may be there twice. */
function pairsOf([first, second, rows]: Objects): Pair[][] {
  return rows.map(([other, changes], row) => {
    const { keys, absent } = other ? second : first;
    const value = (n: number) => JSON.stringify(n % 3 === 0 ? `text ${row}` : row * n);
    const pairs = keys.map((key, n): Pair => [key, n === absent ? "null" : value(n)]);
    for (const change of changes) apply(pairs, row, change);
    return pairs;
  });
}

function textOf(objects: Objects): string {
  const all = pairsOf(objects).map((pairs) =>
    `{${pairs.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join()}}`
  );
  return `[${all.join()}]`;
}

/** `same(one, other)`: whether values are alike, and still are when keys are taken from their tables and added. */
const same = `
  ${alike}
  local function change(value, n)
    if type(value) ~= "table" then return end
    for _, item in next, value do change(item, n) end
    if n % 2 == 0 then value.id = nil value.price = nil end
    for i = 1, n do value["added" .. i] = i end
  end
  local function same(one, other)
    for n = 0, 3 do
      if not alike(one, other, true) then return false end
      change(one, n)
      change(other, n)
    end
    return true
  end
`;

test("objects of JSON text with the keys of the one before are what the host reads", async () => {
  const vm = await makeVm();
  vm.registerRaw("read", (L) => {
    try {
      vm.push(L, [readJson(vm.read(L, 1) as string).value]);
    } catch (error) {
      if (!(error instanceof WippyError)) throw error;
      vm.push(L, false);
    }
    return 1;
  });
  const check = fn(
    vm,
    "text",
    `${same}
    local known = host.read(text)
    local native, value = host.json_decode(text, {})
    return native, not native or known and same(value, known[1])`,
  );
  // A key without a value that is there again, behind a key that the object before has not.
  const twice = '[{"a":null,"b":1,"c":2},{"a":null,"d":1,"a":2}]';
  expect(vm.call(check, twice)).toEqual([undefined, true]);
  let native = 0;
  fc.assert(
    fc.property(objects, (given) => {
      const text = textOf(given);
      const [done, equal] = vm.call(check, text);
      expect([text, equal]).toEqual([text, true]);
      if (done === true) native++;
    }),
    { numRuns: 1500 },
  );
  expect(native).toBeGreaterThan(600);
}, 60_000);

test("packed objects with the keys of the one before are what the host unpacks", async () => {
  const vm = await makeVm();
  let packed = pack([]);
  vm.registerRaw("unpack", (L) => {
    vm.push(L, new Packed(packed));
    vm.push(L, unpack(packed));
    return 2;
  });
  const check = fn(vm, "", `${same} return same(host.unpack())`);
  const withKeys = (given: Objects) => {
    const value = pairsOf(given).map((pairs) =>
      Object.fromEntries(pairs.map(([key, text]): [string, LuaValue] => [key, JSON.parse(text)]))
    );
    packed = pack(value);
    expect([value, vm.call(check)]).toEqual([value, [true]]);
  };
  fc.assert(fc.property(objects, withKeys), { numRuns: 1500 });
}, 60_000);
