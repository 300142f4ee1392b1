import { describe, expect, test } from "bun:test";
import { main, runProcess } from "../application.ts";

/** Each way by which a value goes to another unit and back: what remains of it is `result`. */
const ways = {
  "a message": `local ch = process.listen("t")
    process.send(process.pid(), "t", value)
    result = ch:receive()`,
  "an argument and a result": 'result = assert(funcs.call("app:identity", value))',
  "a process's argument and result":
    'result = assert(process.exec("app:same", "app:processes", value))',
  "an EXIT event": `process.spawn_monitored("app:same", "app:processes", value)
    result = process.events():receive().result.value`,
};
const sources = {
  functions: { identity: "return function(v) return v end" },
  processes: { same: main("return (...)") },
};

for (const [way, transfer] of Object.entries(ways)) {
  const run = (before: string, after: string) =>
    runProcess(`local value, result\n${before}\n${transfer}\nreturn ${after}`, sources);

  describe(`a copy by ${way}`, () => {
    test("keeps scalars as they are", async () => {
      expect(
        await run(
          'value = { 1, 2.0, 2.5, "s", "\\0\\255", true, false, math.maxinteger }',
          `{ math.type(result[1]), math.type(result[2]), result[3], result[4], #result[5],
            result[6], result[7], result[8] == math.maxinteger }`,
        ),
      ).toEqual(["integer", "float", 2.5, "s", 2, true, false, true]);
    });

    test("is deep, with array and hash parts", async () => {
      expect(
        await run(
          "value = { 1, { 2, x = { y = 3 } }, z = 4 }",
          "{ result ~= value, result[2] ~= value[2], result[1], result[2][1], result[2].x.y, result.z }",
        ),
      ).toEqual([true, true, 1, 2, 3, 4]);
    });

    test("takes no metatable of a program for one of the kernel's", async () => {
      expect(
        await run(
          `local function with(first)
            return setmetatable({ n = 1 }, { first, __index = { m = 2 } })
          end
          value = { with(true), with("type"), with({ n = 3 }) }`,
          `{ result[1].n + result[1].m, result[2].n + result[2].m, result[3].n + result[3].m,
            type(result[1]), type(result[2]), type(value[3]) }`,
        ),
      ).toEqual([3, 3, 3, "table", "table", "table"]);
    });

    test("keeps cycles and shared references", async () => {
      expect(
        await run(
          "local shared = { 1 } value = { a = shared, b = shared } value.me = value",
          "{ result.a == result.b, result.me == result, result.a ~= value.a }",
        ),
      ).toEqual([true, true, true]);
    });

    test("keeps errors inside tables", async () => {
      expect(
        await run(
          'value = { errors.new{ message = "m", kind = errors.CONFLICT, details = { a = { 1 } } } }',
          "{ type(result[1]), result[1]:kind(), result[1]:details().a[1], result[1] ~= value[1] }",
        ),
      ).toEqual(["userdata", "Conflict", 1, true]);
    });

    test("drops functions, coroutines and other objects inside tables", async () => {
      expect(
        await run(
          `value = { f = print, co = coroutine.create(print), ch = channel.new(), t = time.now(),
            [print] = 1, [channel.new()] = 2, kept = true }`,
          "(function() local n = 0 for _ in pairs(result) do n = n + 1 end return { n, result.kept } end)()",
        ),
      ).toEqual([1, true]);
    });

    test("keeps metatables, as copies without their functions", async () => {
      expect(
        await run(
          `local class = { kind = "class", method = print }
          class.__index = class
          value = { setmetatable({ n = 1 }, class), setmetatable({ n = 2 }, class),
            fixed = setmetatable({}, { 5, __index = { x = 1 }, __metatable = "locked" }),
            error = setmetatable({ errors.new("e") }, { __index = { y = 2 } }) }`,
          `{ result[1].kind, result[2].kind, result[1].n, getmetatable(result[1]) == getmetatable(result[2]),
            getmetatable(result[1]) ~= getmetatable(value[1]), result[1].method == nil, result.fixed.x,
            getmetatable(result.fixed), result.error.y, getmetatable(result) == nil }`,
        ),
      ).toEqual(["class", "class", 1, true, true, true, 1, "locked", 2, true]);
    });

    test("of a weak table holds its contents", async () => {
      expect(
        await run(
          'value = setmetatable({ {} }, { __mode = "v", __index = { x = 1 } }) local kept = value[1]',
          "{ getmetatable(result).__mode == nil, result.x }",
        ),
      ).toEqual([true, 1]);
    });

    test("can be a metatable", async () => {
      expect(
        await run(
          "value = { __index = { x = 1 }, __len = false }",
          "{ setmetatable({}, result).x, (pcall(function() return #setmetatable({}, result) end)) }",
        ),
      ).toEqual([1, false]);
    });

    test("calls nothing of a metatable's metatable", async () => {
      expect(
        await run(
          `called = 0
          local count = function() called = called + 1 end
          value = setmetatable({ 1 }, setmetatable({ a = 1 }, { __index = count, __newindex = count }))
          local typed = { setmetatable({}, { "text" }) }
          value.typed = typed`,
          "{ called, result[1], getmetatable(result).a, getmetatable(result.typed[1])[1] }",
        ),
      ).toEqual([0, 1, 1, "text"]);
    });

    test("keeps tables and numbers as keys", async () => {
      expect(
        await run(
          "value = { [1.5] = 1, [-1] = 2, [true] = 3, [{ 7 }] = 4 }",
          `(function()
            for k, v in pairs(result) do
              if type(k) == "table" then return { result[1.5], result[-1], result[true], k[1], v } end
            end
          end)()`,
        ),
      ).toEqual([1, 2, 3, 7, 4]);
    });
  });
}

test("an object as the whole argument arrives as nil", async () => {
  expect(
    await runProcess('return { funcs.call("app:kind", channel.new(), process.inbox(), 1) }', {
      functions: { kind: "return function(...) return type(...) .. select('#', ...) end" },
    }),
  ).toEqual(["nil3"]);
});

test("holes among the arguments are kept", async () => {
  expect(
    await runProcess('return funcs.call("app:count", nil, 1, nil, nil)', {
      functions: { count: "return function(...) return select('#', ...) end" },
    }),
  ).toBe(4);
});

test("a unit gets exactly the arguments that were given", async () => {
  const count = main("return select('#', ...)");
  for (const call of ['funcs.call("app:f"', 'process.exec("app:p", "app:processes"']) {
    expect(
      await runProcess(
        `local counts = {}
         for _ = 1, 2 do
           table.insert(counts, (${call})))
           table.insert(counts, (${call}, nil)))
           table.insert(counts, (${call}, nil, 2)))
           table.insert(counts, (${call}, 1, 2, nil)))
         end
         return counts`,
        { functions: { f: count }, processes: { p: count } },
      ),
    ).toEqual([0, 1, 2, 3, 0, 1, 2, 3]);
  }
});

test("a function or coroutine among the arguments arrives as nil", async () => {
  expect(
    await runProcess(
      `local shown = {}
       for _, start in ipairs({
         function(...) return funcs.call("app:identity", ...) end,
         function(...) return funcs.async("app:identity", ...):channel():receive():data() end,
         function(...) return process.exec("app:same", "app:processes", ...) end,
       }) do
         for _, value in ipairs({ print, coroutine.create(print) }) do
           local result, err = start(value)
           table.insert(shown, tostring(result) .. tostring(err))
         end
       end
       return shown`,
      sources,
    ),
  ).toEqual(Array(6).fill("nilnil"));
});

test("constants of a module are passed on as what they show", async () => {
  expect(
    await runProcess(
      `local format = payload.format
       local copy = funcs.call("app:identity", { list = { format }, format = format })
       return { copy.format.JSON, copy.list[1].YAML, 
         payload.new({ format }):transcode(format.JSON):data()[1].LUA, format }`,
      sources,
    ),
  ).toEqual([
    "json/plain",
    "yaml/plain",
    "lua/any",
    expect.objectContaining({ JSON: "json/plain", ERROR: "golang/error" }),
  ]);
});

test("context values and options that are too deep are refused", async () => {
  expect(
    await runProcess(
      `local deep = {}
       for i = 1, 200 do deep = { deep } end
       local kinds = {}
       for _, give in ipairs({
         function() return process.with_context({ v = deep }) end,
         function() return process.with_options({ v = deep }) end,
         function() return funcs.new():with_context({ v = deep }) end,
       }) do
         local ok, value, err = pcall(give)
         local raised = ok and err or value
         table.insert(kinds, raised and raised:kind() or "taken")
       end
       return kinds`,
      sources,
    ),
  ).toEqual(["Invalid", "Invalid", "Invalid"]);
});
