import { expect, test } from "bun:test";
import { builtinModules } from "../../../src/registry/modules.ts";
import { evaluate } from "./lua-unit.ts";

test("no table of any module can be changed, however deep it is", async () => {
  const code = `
    local open, seen = {}, 0
    local function walk(name, value, depth)
      if type(value) ~= "table" or depth > 6 then return end
      seen = seen + 1
      if pcall(function() value.planted = true end) then open[#open + 1] = name end
      for key, inner in pairs(value) do
        if pcall(function() value[key] = inner end) then open[#open + 1] = name .. "." .. tostring(key) end
        walk(name .. "." .. tostring(key), inner, depth + 1)
      end
    end
    for _, name in ipairs({ ${
    [...builtinModules.keys()].map((name) => `"${name}"`).join(", ")
  } }) do
      walk(name, require(name), 0)
    end
    return { open, seen > 40 }`;
  expect(await evaluate(code)).toEqual([{}, true]);
});
