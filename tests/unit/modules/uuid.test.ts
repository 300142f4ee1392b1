import { expect, test } from "bun:test";
import { evaluate } from "./lua-unit.ts";

const dns = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";

test("names in a namespace give the UUIDs of RFC 9562", async () => {
  const code = `return { uuid.v3((...), "www.example.com"), uuid.v5((...), "www.example.com") }`;
  expect(await evaluate(code, { args: [dns] })).toEqual([
    "5df41881-3aed-3515-88a7-2f4a814cf09e",
    "2ed6657d-e927-568b-95e1-2665a8aea6a2",
  ]);
});

test("made ones are valid, of their version, and none comes twice", async () => {
  const code = `
    local seen, out = {}, {}
    for _, version in ipairs{ 1, 4, 7 } do
      local last = ""
      for _ = 1, 300 do
        local id = assert(uuid["v" .. version]())
        assert(uuid.validate(id) and uuid.version(id) == version and uuid.variant(id) == "RFC4122")
        assert(not seen[id] and (version ~= 7 or id > last))
        seen[id], last = true, id
      end
      out[#out + 1] = version
    end
    return out`;
  let next = 1;
  // A generator with a long period: the counting one of the other tests repeats after 256 bytes.
  const random = (count: number) =>
    Uint8Array.from({ length: count }, () => (next = (next * 48271) % 2147483647) & 0xff);
  expect(await evaluate(code, { services: { random } })).toEqual([1, 4, 7]);
});

test("parse tells version, variant, time and node", async () => {
  const code = `
    local function facts(id)
      local p = uuid.parse(id)
      return { p.version, p.variant, p.timestamp or false, p.node and #p.node or false }
    end
    return { facts("c232ab00-9414-11ec-b3c8-9f6bdeced846"), facts(uuid.v1()), facts(uuid.v4()), facts(uuid.v7()) }`;
  const now = Date.UTC(2024, 5, 15, 14, 30, 45) / 1000;
  expect(await evaluate(code)).toEqual([
    [1, "RFC4122", 1645557742, 6],
    [1, "RFC4122", now, 6],
    [4, "RFC4122", false, false],
    [7, "RFC4122", now, false],
  ]);
});

test.each([
  [dns, "standard", dns],
  [dns.toUpperCase(), "simple", dns.replaceAll("-", "")],
  [`{${dns}}`, "urn", `urn:uuid:${dns}`],
  [`urn:uuid:${dns}`, "standard", dns],
  [dns.replaceAll("-", ""), "standard", dns],
])("format(%s, %s)", async (id, form, expected) => {
  expect(await evaluate("return (uuid.format(...))", { args: [id, form] })).toBe(expected);
});

test.each(["", "x", `${dns}0`, "6ba7b8109-dad-11d1-80b4-00c04fd430c8", `{${dns}`, 5, true])(
  "%p is not valid",
  async (value) => {
    const code = `
      local _, err = uuid.version((...))
      return { uuid.validate((...)), err:kind() }`;
    expect(await evaluate(code, { args: [value] })).toEqual([false, "Invalid"]);
  },
);

test("variants", async () => {
  const code = `
    local out = {}
    for i, digit in ipairs{ "0", "8", "c", "f" } do
      out[i] = uuid.variant("6ba7b810-9dad-11d1-" .. digit .. "0b4-00c04fd430c8")
    end
    return out`;
  expect(await evaluate(code)).toEqual(["NCS", "RFC4122", "Microsoft", "Future"]);
});

test("what is wrong is told", async () => {
  const code = `
    local _, namespace = uuid.v5("no", "x")
    local _, form = uuid.format("${dns}", "short")
    return { namespace:kind(), form:kind(), form:message() }`;
  expect(await evaluate(code)).toEqual([
    "Invalid",
    "Invalid",
    "unsupported format: short; use standard, simple or urn",
  ]);
});

test("format without a form is the standard one", async () => {
  const code = 'return (uuid.format("{6BA7B810-9DAD-11D1-80B4-00C04FD430C8}"))';
  expect(await evaluate(code)).toBe("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
});

test("a form that is not a string counts as absent", async () => {
  const id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
  for (const form of ["5", "true", "{}"]) {
    expect(await evaluate(`return (uuid.format("{${id}}", ${form}))`)).toBe(id);
  }
});
