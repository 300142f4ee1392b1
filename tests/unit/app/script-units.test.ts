import { describe, expect, test } from "bun:test";
import { definesUnits } from "../../../src/app/script-units.ts";

describe("a script defines units when it assigns to one of the tables", () => {
  const defining = [
    "function functions.add(a, b) return a + b end",
    "processes.counter = function() end",
    'workflows["order-1"] = function() end',
    "functions = { add = function() end }",
    "function main() end\n\nfunction  workflows . order() end",
    "if true then functions.add = print end",
  ];
  for (const code of defining) test(code, () => expect(definesUnits(code)).toBe(true));

  const plain = [
    "",
    "print(1)",
    "function main() end main()",
    "local functions = {} functions.add = print",
    "local a, functions, b = 1, {} function functions.add() end",
    "for _, processes in pairs(t) do processes.x = 1 end",
    "t.functions.add = 1",
    "t:functions().add = 1",
    "local t = { functions = { add = 1 } }",
    "call { workflows = {} }",
    "print(functions.add == nil)",
    "if functions.add == 1 then end",
    "-- function functions.add() end",
    "--[==[ functions.add = 1 ]] ]==]",
    'local text = "function functions.add() end"',
    "local text = 'it\\'s' .. [[functions = {]]",
    "local myfunctions = {} myfunctions.add = 1",
  ];
  for (const code of plain) test(`not ${code}`, () => expect(definesUnits(code)).toBe(false));
});
