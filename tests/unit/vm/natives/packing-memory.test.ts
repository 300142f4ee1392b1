import { expect, test } from "bun:test";
import { pack } from "../../../../src/vm/codec.ts";
import { loadLuaModule } from "../../../../src/vm/module.ts";
import { Packed, Vm } from "../../../../src/vm/vm.ts";
import { run } from "../make_vm.ts";

test.each(["incremental", "generational"])(
  "is whole or not at all where memory is short, %s",
  async (mode) => {
    const vm = await Vm.create({
      module: await loadLuaModule(),
      clock: () => 0,
      memoryLimit: 6 * 2 ** 20,
    });
    let packed = new Uint8Array(0);
    let expected = new Uint8Array(0);
    vm.registerRaw("note", (L) => {
      expected = new Uint8Array(pack(vm.read(L, 1)));
      return 0;
    });
    vm.registerRaw("unpack", (L) => {
      vm.push(L, new Packed(expected));
      return 1;
    });
    vm.registerRaw("pack", (L) => {
      packed = new Uint8Array(vm.pack(L, 1));
      if (Buffer.compare(packed, expected) !== 0) throw new Error("other bytes");
      return 0;
    });
    const [unpacked, failed] = run(
      vm,
      `local function same(a, b)
        if type(a) ~= "table" then return a == b end
        for k, v in next, a do if not same(v, b[k]) then return false end end
        for k in next, b do if a[k] == nil then return false end end
        return true
      end
      collectgarbage(...)
      local function make(n, depth)
        local t = {}
        for i = 1, n do
          t[i] = depth > 0 and make(n, depth - 1) or "text number " .. i
          t["key" .. i] = i * 1.5
        end
        return t
      end
      local value = make(5, 3)
      host.note(value)
      local ballast
      local function take() while true do ballast = { ballast } end end
      local function fill()
        pcall(take)
        for _ = 1, 150 do ballast = ballast and ballast[1] end
      end
      fill()
      local done, failed, kept = 0, 0, { 1, 2, 3 }
      kept[1], kept[2], kept[3] = nil, nil, nil
      for round = 1, 100 do
        for i = 1, round % 7 == 0 and 2000 or 150 do ballast = ballast and ballast[1] end
        local packs, problem = pcall(host.pack, value)
        assert(packs, problem)
        local ok, copy = pcall(host.unpack)
        if ok then
          -- Room for the stack, which grows without a collection.
          for _ = 1, 2000 do ballast = ballast and ballast[1] end
          collectgarbage()
          assert(same(value, copy), "what was unpacked differs")
          fill()
          done = done + 1
          kept[#kept + 1] = copy
          if #kept == 3 then
            for i = 1, 3 do assert(same(value, kept[i]), "a kept value differs") end
            kept[1], kept[2], kept[3] = nil, nil, nil
            fill()
          end
        else
          failed = failed + 1
          assert(copy == "not enough memory", copy)
        end
      end
      return done, failed`,
      mode,
    );
    expect(Number(unpacked)).toBeGreaterThan(15);
    expect(Number(failed)).toBeGreaterThan(15);
  },
);
