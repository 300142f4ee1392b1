import { describe, expect, test } from "bun:test";
import { PassThrough } from "node:stream";
import { Collected } from "./collected-output.ts";
import { DescriptorOutput } from "../../../src/operations/io/output.ts";
import { StandardTerminal } from "../../../src/operations/io/standard-terminal.ts";
import { evaluate } from "./lua-unit.ts";

/** Runs code with a terminal whose input is given. */
async function run(code: string, input: (string | Uint8Array)[] = [], args: string[] = []) {
  const stdin = new PassThrough();
  const out = new Collected();
  const err = new Collected();
  for (const chunk of input) stdin.write(chunk);
  stdin.end();
  const terminal = new StandardTerminal({ stdin, stdout: out, stderr: err }).attach(args);
  const value = await evaluate(code, { terminal });
  await terminal.flush();
  return { value, out: out.bytes.toString(), err: err.bytes.toString() };
}

describe("writing", () => {
  test("write, print and eprint", async () => {
    const { value, out, err } = await run(`
      return { io.write("a", 1, 2.5), io.print("b", 2, nil, true), io.eprint("oops", 3), io.flush() }`);
    expect(value).toEqual([true, true, true, true]);
    expect(out).toBe("a12.5b\t2\tnil\ttrue\n");
    expect(err).toBe("oops\t3\n");
  });

  test("bytes that are no text pass unchanged", async () => {
    const stdout = new Collected();
    const streams = { stdin: new PassThrough(), stdout, stderr: new Collected() };
    const terminal = new StandardTerminal(streams).attach([]);
    await evaluate(`io.write("\\xff\\0a")`, { terminal });
    expect([...stdout.bytes]).toEqual([255, 0, 97]);
  });

  test("a closed output is told to the next writer", async () => {
    const stdout = new DescriptorOutput(1, "standard output", () => {
      throw new Error("EPIPE");
    });
    const streams = { stdin: new PassThrough(), stdout, stderr: new Collected() };
    const terminal = new StandardTerminal(streams).attach([]);
    terminal.write("lost");
    await terminal.flush();
    const code = `local ok, err = io.print("x") return { ok == nil, err:kind() }`;
    expect(await evaluate(code, { terminal })).toEqual([true, "Unavailable"]);
  });
});

describe("reading", () => {
  test("lines come one by one, whatever the chunks", async () => {
    const { value } = await run(
      `local out = {}
      while true do
        local line, err = io.readline()
        if err then out[#out + 1] = err:message() break end
        out[#out + 1] = line
      end
      return out`,
      ["one\ntw", "o\r\n\nlast"],
    );
    expect(value).toEqual(["one", "two", "", "last", "read standard input: EOF"]);
  });

  test("read gives what is left behind a line", async () => {
    const { value } = await run(
      `local line = io.readline()
      local some, rest = io.read(3), io.read(0)
      local nothing, err = io.read()
      return { line, some, rest, nothing == nil, err:message():match("EOF$") }`,
      ["line\nabcdef"],
    );
    expect(value).toEqual(["line", "abc", "def", true, "EOF"]);
  });

  test("two coroutines never tear a line apart", async () => {
    const { value } = await run(
      `local out, done = {}, channel.new(2)
      for name = 1, 2 do
        coroutine.spawn(function()
          for _ = 1, 2 do table.insert(out, (io.readline())) end
          done:send(name)
        end)
      end
      done:receive()
      done:receive()
      table.sort(out)
      return out`,
      ["a1\nb", "2\nc3\nd", "4\n"],
    );
    expect(value).toEqual(["a1", "b2", "c3", "d4"]);
  });
});

test("args are the command's", async () => {
  expect((await run("return io.args()", [], ["a", "b"])).value).toEqual(["a", "b"]);
});

test("raw mode needs a terminal", async () => {
  const { value } = await run(`local _, err = io.raw() return err:kind() .. ": " .. err:message()`);
  expect(value).toBe("Invalid: the standard input is not a terminal");
});

test("raw mode is counted, and reset at the end", () => {
  const modes: boolean[] = [];
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (enable: boolean) => modes.push(enable),
  });
  const standard = new StandardTerminal({
    stdin,
    stdout: new Collected(),
    stderr: new Collected(),
  });
  const first = standard.attach([]);
  const second = standard.attach([]);
  void first.raw(true);
  void first.raw(true);
  void second.raw(true);
  void first.raw(false);
  first.release();
  expect(modes).toEqual([true]);
  second.release();
  second.release();
  expect(modes).toEqual([true, false]);
});

test("without a terminal everything but args is Unavailable", async () => {
  const code = `
    local out = {}
    for i, name in ipairs{ "write", "print", "eprint", "read", "readline", "raw", "flush" } do
      local value, err = io[name]()
      out[i] = tostring(value) .. " " .. err:kind() .. ": " .. err:message()
    end
    out[#out + 1] = #io.args()
    return out`;
  expect(await evaluate(code)).toEqual([
    ...Array.from({ length: 7 }, () => "nil Unavailable: no terminal context"),
    0,
  ]);
});
