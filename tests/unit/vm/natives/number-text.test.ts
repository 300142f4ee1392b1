import { expect, test } from "bun:test";
import { makeVm, run } from "../make_vm.ts";

// A float as applications see it, from JavaScript's shortest digits.
function textOf(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 63) return BigInt(value).toString();
  const sign = value < 0 ? "-" : "";
  const [mantissa = "", exponentText] = Math.abs(value).toExponential().split("e");
  const digits = mantissa.replace(".", "");
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  if (exponent >= 0 && exponent < 21) {
    const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
    const decimals = digits.slice(exponent + 1);
    return sign + whole + (decimals === "" ? "" : `.${decimals}`);
  }
  const power = `${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  return `${sign}${mantissa}e${power}`;
}

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  };
}

function samples(): number[] {
  const values = [
    ...[0, -0, 0.5, 0.1 + 0.2, 1 / 3, 2 / 3, 100, 1e15, 1e16, 1e20, 1e21, 1e22, 1e23, 1e100, -1e-5],
    ...[2 ** 53, 2 ** 62, 2 ** 63, -(2 ** 63), 2 ** 64, 1234567.5, 123456789.125, 5e-324],
    ...[
      Number.MAX_VALUE,
      2.2250738585072014e-308,
      2.225073858507201e-308,
      9.5e-310,
      0.0001,
      0.00012,
    ],
  ];
  for (let power = -1074; power < 1024; power++) values.push(2 ** power, 1.5 * 2 ** power);
  for (let power = -320; power < 308; power++) {
    values.push(Number(`1e${power}`), Number(`-7.3e${power}`));
  }
  const next = random(20_261_129);
  const bits = new DataView(new ArrayBuffer(8));
  for (let i = 0; i < 4000; i++) {
    bits.setUint32(0, next());
    bits.setUint32(4, next());
    const value = bits.getFloat64(0);
    if (Number.isFinite(value)) values.push(value);
    values.push((next() % 1_000_000) / 100, next() / next());
  }
  return values;
}

const TEXTS = `local values = ...
  local texts = {}
  for i, value in ipairs(values) do
    value = value + 0.0
    texts[i] = tostring(value)
    local others = { value .. "", ("%s"):format(value), table.concat({ value }) }
    for _, other in ipairs(others) do
      if other ~= texts[i] then texts[i] = texts[i] .. " " .. other end
    end
  end
  return texts`;

test("floats have the shortest text that reads back, integral ones that of an integer", async () => {
  const vm = await makeVm();
  run(vm, "host.relaxed(true)");
  const values = samples();
  const [texts] = run(vm, TEXTS, values) as [string[]];
  const wrong = values.map((value, i) => ({ value, text: texts[i], expected: textOf(value) }))
    .filter(({ text, expected }) => text !== expected);
  expect(wrong.slice(0, 10)).toEqual([]);
});

test("what is no number has Lua's text, and so has every float once it is off again", async () => {
  const vm = await makeVm();
  const body = "return tostring(1/0), tostring(-1/0), tostring(0.1 + 0.2), tostring(10 / 2)";
  expect(run(vm, body)).toEqual(["inf", "-inf", "0.3", "5.0"]);
  run(vm, "host.relaxed(true)");
  expect(run(vm, body)).toEqual(["inf", "-inf", "0.30000000000000004", "5"]);
  run(vm, "host.relaxed(false)");
  expect(run(vm, body)).toEqual(["inf", "-inf", "0.3", "5.0"]);
});
