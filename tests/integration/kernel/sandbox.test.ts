import { describe, expect, test } from "bun:test";
import { failure, runFunction, startApplication } from "../application.ts";

/** Whether the expression raises, and with what. */
const raised = (code: string) =>
  runFunction(`local ok, err = pcall(function() ${code} end) return { ok, tostring(err) }`);

describe("what is there", () => {
  const functions = {
    "":
      "type tonumber tostring assert error pcall xpcall pairs ipairs next getmetatable setmetatable" +
      " rawget rawset rawequal select print require unpack",
    table: "insert remove concat sort unpack",
    string: "find match gmatch gsub upper lower sub len byte char rep reverse format",
    math:
      "abs min max floor ceil modf fmod sqrt pow exp log log10 sin cos tan asin acos atan atan2" +
      " sinh cosh tanh deg rad random randomseed tointeger type ult",
    coroutine: "create resume yield status running wrap spawn",
    os: "time date clock difftime",
    errors: "new wrap is call_stack",
    channel: "new select",
    payload: "new",
  };
  for (const [library, names] of Object.entries(functions)) {
    test(library === "" ? "base functions" : library, async () => {
      const list = names.split(" ").map((name) => `"${name}"`).join(", ");
      const missing = await runFunction(`local missing = ""
        for _, name in ipairs({ ${list} }) do
          if type((${library === "" ? "_G" : library})[name]) ~= "function" then
            missing = missing .. " " .. name
          end
        end
        return missing`);
      expect(missing).toBe("");
    });
  }

  test("constants", async () => {
    expect(
      await runFunction(
        `return { os.platform, _VERSION, _GOPHER_LUA_VERSION, package.path, package.cpath, math.pi > 3,
        math.huge, math.mininteger < 0, math.maxinteger > 0 }`,
      ),
    ).toEqual(["wippy", "Lua 5.4", "GopherLua 0.1", "", "", true, Number.MAX_VALUE, true, true]);
  });

  test("_G holds the unit's own globals and can be written", async () => {
    expect(await runFunction("_G.x = 1 y = 2 return { x, _G.y, _G._G == _G, _G.string == string }"))
      .toEqual([1, 2, true, true]);
  });

  test("package is a stub", async () => {
    expect(
      await runFunction(`return { type(package.loadlib("x")), type(package.seeall),
        package.loaded == nil, package.preload == nil, package.searchers == nil }`),
    ).toEqual(["string", "function", true, true, true]);
  });
});

test("what is absent", async () => {
  const absent = "load loadstring loadfile dofile collectgarbage rawlen warn io debug utf8 host";
  const names = absent.split(" ").map((name) => `"${name}"`).join(", ");
  const found = await runFunction(`local found = ""
    for _, name in ipairs({ ${names} }) do
      if _G[name] ~= nil then found = found .. " " .. name end
    end
    for _, name in ipairs({ "execute", "exit", "remove", "rename", "tmpname", "getenv", "setlocale" }) do
      if os[name] ~= nil then found = found .. " os." .. name end
    end
    return found`);
  expect(found).toBe("");
});

describe("read-only", () => {
  for (
    const name of [
      "table",
      "string",
      "math",
      "coroutine",
      "os",
      "errors",
      "process",
      "process.event",
      "process.registry",
      "channel",
      "payload",
      "payload.format",
      "package",
      "time",
    ]
  ) {
    test(name, async () => {
      const [ok, message] = await raised(`${name}.field = 1`) as [boolean, string];
      expect(ok).toBe(false);
      expect(message).toContain(`app:main:3: cannot assign field 'field'`);
      expect((await raised(`rawset(${name}, "field", 1)`) as unknown[])[0]).toBe(false);
      expect((await raised(`setmetatable(${name}, {})`) as unknown[])[0]).toBe(false);
      expect(await runFunction(`return getmetatable(${name})`)).toBe(false);
    });
  }

  test("objects", async () => {
    for (const object of ["channel.new()", "errors.new('x')", "payload.new(1)", "funcs.new()"]) {
      expect((await raised(`local o = ${object} o.field = 1`) as unknown[])[0]).toBe(false);
      expect((await raised(`rawset(${object}, "field", 1)`) as unknown[])[0]).toBe(false);
      expect((await raised(`rawget(${object}, "field")`) as unknown[])[0]).toBe(false);
      expect((await raised(`next(${object})`) as unknown[])[0]).toBe(false);
      expect((await raised(`for _ in pairs(${object}) do end`) as unknown[])[0]).toBe(false);
      expect(await runFunction(`return { type(${object}), getmetatable(${object}) }`)).toEqual([
        "userdata",
        false,
      ]);
    }
  });

  test("table functions do not write into a library or an object", async () => {
    for (const target of ["math", "channel.new()", "errors"]) {
      expect((await raised(`table.insert(${target}, 1)`) as unknown[])[0]).toBe(false);
      expect((await raised(`table.move({ 1 }, 1, 1, 1, ${target})`) as unknown[])[0]).toBe(false);
    }
  });

  test("a unit's globals do not reach another unit", async () => {
    const app = await startApplication({
      functions: {
        set: "return function() leak = 1 string_leak = string end",
        get: "return function() return leak end",
      },
    });
    await app.call("set");
    expect(await app.call("get")).toBeUndefined();
  });
});

test("the metatable of strings is locked", async () => {
  expect(await runFunction('return { getmetatable("") , ("x"):upper() }')).toEqual([false, "X"]);
  expect((await raised('setmetatable("", {})') as unknown[])[0]).toBe(false);
  expect((await raised("string.upper = nil") as unknown[])[0]).toBe(false);
  expect((await raised('local s = "" s.x = 1') as unknown[])[0]).toBe(false);
});

test("finalizers are refused, also when __gc is added later", async () => {
  const [ok, message] = await raised("setmetatable({}, { __gc = function() end })") as [
    boolean,
    string,
  ];
  expect(ok).toBe(false);
  expect(message).toContain("__gc");
  // Lua itself ignores a __gc that was not there when setmetatable ran.
  expect(
    await runFunction(`local ran = false
      local meta = {}
      setmetatable({}, meta)
      meta.__gc = function() ran = true end
      local waste = {}
      for i = 1, 200000 do waste = { waste[1], i } end
      return ran`),
  ).toBe(false);
});

describe("require", () => {
  test("gives modules, standard libraries and the functions that are always there", async () => {
    expect(
      await runFunction(`return { require("time") == time, require("string") == string,
        require("errors") == errors, require("process") == process, require("print") == print }`),
    ).toEqual([true, true, true, true, true]);
  });

  test("raises for what is not listed", async () => {
    const [ok, message] = await raised('require("json")') as [boolean, string];
    expect(ok).toBe(false);
    expect(message).toContain("module 'json' not found");
  });

  test("raises for a name that is no text", async () => {
    for (const value of ["nil", "1", "{}"]) {
      const [ok, message] = await raised(`require(${value})`) as [boolean, string];
      expect(ok).toBe(false);
      expect(message).toContain("bad argument #1 to 'require'");
    }
  });

  test("listing what is always there is harmless", async () => {
    const app = await startApplication({
      functions: {
        f: {
          source: 'return function() return require("process").id() end',
          modules: ["process", "channel", "os", "payload"],
        },
      },
    });
    expect(await app.call("f")).toBe("app:f");
  });
});

describe("base functions", () => {
  test("type of objects is userdata, of all else as ever", async () => {
    expect(
      await runFunction(`return { type(channel.new()), type({}), type(nil), type(print), type(1),
        type(coroutine.create(print)) }`),
    ).toEqual(["userdata", "table", "nil", "function", "number", "thread"]);
  });

  test("raw access is the real thing on plain tables", async () => {
    expect(
      await runFunction(`local t = setmetatable({}, { __index = function() return 1 end,
          __newindex = function() end })
        rawset(t, "a", 2)
        t.b = 3
        return { rawget(t, "a"), rawget(t, "b") == nil, t.c, rawequal(t, t), next(t) }`),
    ).toEqual([2, true, 1, true, "a", 2]);
  });

  test("a metatable that its owner locked stays locked, and raw access works on it", async () => {
    expect(
      await runFunction(`local t = setmetatable({ a = 1 }, { __metatable = "mine" })
        return { getmetatable(t), (pcall(setmetatable, t, {})), rawget(t, "a") }`),
    ).toEqual(["mine", false, 1]);
  });

  test("pairs honours __pairs and __index", async () => {
    expect(
      await runFunction(`local t = setmetatable({}, { __pairs = function()
          return function(_, k) if not k then return 1, "one" end end, nil, nil
        end })
        local seen = {}
        for k, v in pairs(t) do seen[k] = v end
        return seen`),
    ).toEqual(["one"]);
    expect((await raised("for _ in pairs(nil) do end") as unknown[])[0]).toBe(false);
  });

  test("tostring honours __tostring, tonumber takes bases 2 to 36", async () => {
    expect(
      await runFunction(
        `return { tostring(setmetatable({}, { __tostring = function() return "x" end })),
        tonumber("ff", 16), tonumber("zz", 36), tonumber("2", 2) == nil, tonumber("0x10") }`,
      ),
    ).toEqual(["x", 255, 1295, true, 16]);
  });

  test("unpack is table.unpack; select counts nil", async () => {
    expect(await runFunction("return { unpack == table.unpack, select('#', nil, nil) }")).toEqual([
      true,
      2,
    ]);
  });

  test("suspending works inside pcall, xpcall, metamethods, iterators and sort comparators' callers", async () => {
    expect(
      await runFunction(`local log = {}
        local ok, value = pcall(function() time.sleep("1ms") return "in pcall" end)
        log[#log + 1] = value
        log[#log + 1] = select(2, xpcall(function() time.sleep("1ms") error("e", 0) end,
          function(m) return "handled " .. m end))
        log[#log + 1] = setmetatable({}, { __index = function() time.sleep("1ms") return "index" end }).x
        for v in function(_, c) time.sleep("1ms") if not c then return "iterator" end end do
          log[#log + 1] = v
        end
        return log`),
    ).toEqual(["in pcall", "handled e", "index", "iterator"]);
  });

  test("print writes one record with the PID and the place", async () => {
    const app = await startApplication({
      functions: {
        f: 'return function()\n  print("a", 1, nil, true)\n  return process.pid()\nend',
      },
    });
    const pid = await app.call("f");
    expect(app.logs.filter(({ logger }) => logger === "app:f")).toEqual([{
      level: "info",
      print: "a 1 nil true",
      time: expect.any(Number),
      logger: "app:f",
      message: "a 1 nil true",
      fields: expect.objectContaining({ pid, location: "app:f:2" }),
    }]);
  });
});

test("text only: bytecode cannot be made or loaded", async () => {
  expect(await runFunction("return { (pcall(string.dump, print)), load == nil }")).toEqual([
    false,
    true,
  ]);
});

describe("no way around", () => {
  test("iterating a library does not give the table behind it", async () => {
    expect(
      await runFunction(`local next_of, state = pairs(string)
        local names = 0
        for name, value in pairs(string) do
          names = names + (string[name] == value and 1 or 0)
        end
        return { type(state), names > 10 }`),
    ).toEqual(["nil", true]);
  });

  test("a builder does not give its caller's frame away", async () => {
    expect(
      await runFunction(`return { process.with_context({ a = 1 })._frame == nil,
        funcs.new():with_context({ a = 1 })._frame == nil }`),
    ).toEqual([true, true]);
  });

  test("an error is not shared by the units that it passes", async () => {
    const result = await runFunction(
      `local _, first = funcs.call("app:fail")
      first._details.list[1] = "changed"
      local _, second = funcs.call("app:fail")
      return second:details().list`,
      {
        functions: {
          fail:
            `local shared = errors.new{ message = "m", kind = "K", details = { list = { "as made" } } }
            return function() return nil, shared end`,
        },
      },
    );
    expect(result).toEqual(["as made"]);
  });
});

test("a unit cannot reach the kernel through a traceback or an error's value", async () => {
  const error = await failure(runFunction("local t = nil; return t.x"));
  expect(error.message).toBe("app:main:3: attempt to index a nil value (local 't')");
});

test("string.rep cannot take all memory", async () => {
  const [ok, message] = await runFunction(
    `local ok, err = pcall(string.rep, "x", 1 << 40) return { ok, tostring(err) }`,
  ) as [boolean, string];
  expect(ok).toBe(false);
  expect(message).toMatch(/too large|memory/);
});
