/**
 * Every way in and out of a program keeps bytes and numbers exactly as they are, or refuses them with words. What JSON
 * cannot say is listed here: 1.0 is the integer 1 there, and bytes that are not UTF-8 have no form.
 */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../scripts/sources.ts";
import { cleanAfterTest } from "../cleanup.ts";
import { Shop } from "./admin/shop.ts";
import { startDurable } from "./workflow-runs/durable-application.ts";

/** Lua expressions; `name` is what `show` prints of them. */
const values = {
  bytes: '"a\\xff\\xe9\\0z"',
  "2^53+1": "9007199254740993",
  "2^63-1": "math.maxinteger",
  "-2^63": "math.mininteger",
  "1.0": "1.0",
  "1": "1",
  "-0.0": "-0.0",
  "2^63": "2.0^63",
};

const show = `
  local function show(v)
    if type(v) ~= "string" then return (math.type(v) or type(v)) .. " " .. string.format("%q", v) end
    return (v:gsub(".", function(c) return ("%02x"):format(c:byte()) end):gsub("%z", "00"))
  end
  local values = { ${Object.values(values).join(", ")} }
  -- Lists what did not arrive as it was sent.
  local function compare(way, sent, got, err)
    if show(sent) ~= show(got) then
      altered[#altered + 1] = way .. ": " .. show(sent) .. " arrived as " .. show(got) .. " " .. tostring(err)
    end
  end
`;

/** Ways between units: each is a Lua function that sends a value and returns what came back. */
const ways: Record<string, string> = {
  "argument and result of a function": 'return funcs.call("app:echo", v)',
  "argument and result of a later call":
    'local f = funcs.async("app:echo", v) f:channel():receive() return f:result():data()',
  "argument and result of a workflow": 'return workflow.exec("app:w_echo", v)',
  "argument and result of an activity, a local activity and a child":
    'return workflow.exec("app:w_outer", v)',
  "message to a workflow, and argument of process.upgrade": `
    local pid = process.spawn("app:w_waits", "app:durable")
    process.send(pid, "value", v)
    return workflow.update(pid, "last")`,
  "argument and result of an update":
    'local pid = process.spawn("app:w_waits", "app:durable") return workflow.update(pid, "echo", v)',
  "argument and result of a query":
    'local pid = process.spawn("app:w_waits", "app:durable") return workflow.query(pid, "echo", v)',
  "memo":
    `local pid = process.with_options({ ["workflow.memo"] = { k = v } }):spawn("app:w_memo", "app:durable")
    return workflow.update(pid, "last")`,
  "value of a context": 'return funcs.new():with_context({ k = v }):call("app:context")',
  "details of an error": 'local _, err = funcs.call("app:fails", v) return err:details().v',
  "key of a table": 'return next((funcs.call("app:echo", { [v] = true })))',
};

/** Some are no keys for Lua itself: a float key that is an integer becomes one. */
const notAsKey = (name: string) => ["1.0", "-0.0"].includes(name);

test("between units", async () => {
  const application = await startDurable({
    functions: {
      echo: "return ...",
      context: 'return (ctx.get("k"))',
      fails:
        'return nil, errors.new({ message = "no", kind = errors.INVALID, details = { v = ... } })',
      all: `altered = {} ${show}
        local ways = { ${
        Object.entries(ways).map(([name, body]) =>
          `[${JSON.stringify(name)}] = function(v) ${body} end`
        )
          .join(",\n")
      } }
        for way, send in pairs(ways) do
          for _, v in ipairs(values) do
            if not (way == "key of a table" and math.type(v) == "float" and v < 2) then
              compare(way, v, send(v))
            end
          end
        end
        return altered`,
    },
    workflows: {
      w_echo: "return ...",
      w_outer: `local v = ...
        v = funcs.call("app:echo", v)
        v = funcs.new():with_options({ ["activity.local"] = true }):call("app:echo", v)
        v = workflow.exec("app:w_echo", v)
        local seen = workflow.version("x", 1, 1)
        return v`,
      w_waits: `local last, again = ...
        workflow.set_update_handler("echo", function(v) return v end)
        workflow.set_query_handler("echo", function(v) return v end)
        workflow.set_update_handler("last", function()
          while not again do time.sleep("1ms") end
          return last
        end)
        local message = process.inbox():receive()
        if not again then process.upgrade(nil, message:payload():data(), true) end`,
      w_memo: `workflow.set_update_handler("last", function() return workflow.info().memo.k end)
        process.inbox():receive()`,
    },
  });
  expect(await application.call("all")).toEqual({});
  expect(Object.keys(values).filter(notAsKey)).toHaveLength(2);
}, 60_000);

/** What the JSON ways make of JSON text: the same for all of them. */
const json: [text: string, arrives: string][] = [
  ["9007199254740993", "integer 9007199254740993"],
  ["9223372036854775807", "integer 9223372036854775807"],
  ["-9223372036854775808", "integer 0x8000000000000000"],
  ["1", "integer 1"],
  ["1.0", "integer 1"],
  ["1.5", "float 0x1.8p+0"],
  ["9223372036854775808.0", "float 0x1p+63"],
];
const refused = [
  "9223372036854775808",
  "-9223372036854775809",
  "[1e400]",
  '{"a":18446744073709551616}',
];

describe("JSON", () => {
  async function shop(): Promise<Shop> {
    const shop = new Shop();
    shop.write(
      "src/pay.lua",
      `return { main = function(v)
        return (math.type(v) or type(v)) .. " " .. string.format("%q", type(v) == "table" and "table" or v)
      end }`,
    );
    shop.write("src/order.lua", "return { main = function(v) return v end }");
    await shop.open();
    return shop;
  }

  test("of the command line and of the API", async () => {
    const { wippy } = await shop().then((made) => ({ wippy: made.wippy.bind(made) }));
    for (const [text, arrives] of json) {
      expect((await wippy("call", "app:pay", text)).out, text).toContain(arrives);
    }
    for (const text of refused) {
      const said = await wippy("call", "app:pay", text);
      expect(said.status, text).toBe(1);
      expect(said.err, text).toMatch(/does not fit 64 bits|larger than any that can be held/);
    }
  });

  test("of a workflow's history, as it is shown and as it is exported and imported", async () => {
    const made = await shop();
    for (const [index, [text]] of json.slice(0, 3).entries()) {
      const id = `exact-${index}`;
      const started = await made.wippy(
        "workflow",
        "start",
        "app:order",
        text,
        "--id",
        id,
        "--wait",
      );
      expect(started.out + started.err).toContain(text);
      expect((await made.wippy("workflow", "history", id)).out).toContain(text);
      const exported = await made.wippy("workflow", "export", id);
      made.write(`${id}.json`, exported.out);
      const replayed = await made.wippy("workflow", "replay", `${id}.json`);
      expect(replayed.out, text).toContain("1 match, 0 differ");
      expect(replayed.status, replayed.err).toBe(0);
    }
    expect((await made.wippy("workflow", "start", "app:order", refused[0]!)).status).toBe(1);
  });
});

describe("a script", () => {
  /** Runs Lua code by a shell, whose words may be any bytes. */
  async function run(code: Uint8Array, command: string) {
    const folder = mkdtempSync(join(tmpdir(), "wippy-exact-"));
    cleanAfterTest(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, "s.lua"), code);
    const child = Bun.spawn(["sh", "-c", command], {
      cwd: folder,
      env: { ...process.env, WIPPY: `${process.execPath} ${join(root, "src/main.ts")}` },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err] = await Promise.all([
      new Response(child.stdout).bytes(),
      new Response(child.stderr).bytes(),
    ]);
    await child.exited;
    return { out: Buffer.from(out).toString("latin1"), err: Buffer.from(err).toString("latin1") };
  }

  const odd = "a\xff\xe9z";

  test.each([
    [
      "source text and print",
      `print("${odd}", 9007199254740993, math.mininteger, 1.0, 1)`,
      "$WIPPY s.lua",
      `${odd}\t9007199254740993\t-9223372036854775808\t1.0\t1\n`,
    ],
    ["io.write and standard error", `io.write("${odd}") io.stderr:write("")`, "$WIPPY s.lua", odd],
    [
      "arguments",
      "print((...), arg[1])",
      `$WIPPY s.lua "$(printf 'a\\377\\351z')"`,
      `${odd}\t${odd}\n`,
    ],
    [
      "arguments are text",
      "print(type(...), ...)",
      "$WIPPY s.lua 9223372036854775808",
      "string\t9223372036854775808\n",
    ],
    [
      "environment",
      'print(os.getenv("ODD"))',
      `ODD="$(printf 'a\\377\\351z')" $WIPPY s.lua`,
      `${odd}\n`,
    ],
    ["standard input", 'io.write(io.read("a"))', `printf 'a\\377\\351z' | $WIPPY s.lua`, odd],
    [
      "paths",
      `local f = assert(io.open("${odd}", "w")) f:write("${odd}") f:close()
      for line in io.lines("${odd}") do print(line) end`,
      "$WIPPY s.lua; printf '%s' a*z",
      `${odd}\n${odd}`,
    ],
    ["the text of an error", `error("${odd}", 0)`, "$WIPPY s.lua 2>&1 | head -1", "a\\xff\\xe9z\n"],
    [
      "a raised value in pcall",
      `print(select(2, pcall(error, "${odd}", 0)))`,
      "$WIPPY s.lua",
      `${odd}\n`,
    ],
    [
      "JSON",
      `local json = require("json")
      print(json.decode("9223372036854775807"), (json.decode("-9223372036854775808")))
      print((json.decode(json.encode(2.0^63))), (json.decode(json.encode(2.0^53))))
      print((json.decode("9223372036854775808")), math.type((json.decode("9223372036854775808"))))
      print(select(2, json.decode('"${odd}"')))
      print(json.encode({ math.maxinteger, math.mininteger, 9007199254740993 }))`,
      "$WIPPY s.lua",
      "9223372036854775807\t-9223372036854775808\n9.2233720368548e+18\t9007199254740992\n9.2233720368548e+18\tfloat\n" +
      "JSON text must be UTF-8\n" +
      "[9223372036854775807,-9223372036854775808,9007199254740993]\tnil\n",
    ],
    [
      "YAML",
      `local yaml = require("yaml")
      local v = yaml.decode("[9223372036854775807, 1.0, 1]")
      print(v[1], v[2], v[3])
      print((yaml.decode("9223372036854775808")), math.type((yaml.decode("9223372036854775808"))))
      print(select(2, yaml.decode("${odd}")))`,
      "$WIPPY s.lua",
      "9223372036854775807\t1.0\t1\n9.2233720368548e+18\tfloat\n" +
      "YAML: the text must be UTF-8\n",
    ],
  ])("%s", async (_name, code, command, expected) => {
    const { out, err } = await run(Buffer.from(code, "latin1"), command);
    expect(out, err).toBe(expected);
  });
});
