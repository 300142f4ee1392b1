/**
 * A random Lua program that ends, made from numbers: each number is one decision, and where they are used up the
 * simplest is taken. It shows what it does with `show(...)`. Weighted to what compiled code can get wrong: loops,
 * calls, yields, errors, metamethods, and numbers of both kinds.
 */
export function randomProgram(decisions: readonly number[]): string {
  return new Writer(decisions).program();
}

const NAMES = ["a", "b", "c", "d"] as const;
const NUMBERS = [
  "0",
  "1",
  "2",
  "-1",
  "7",
  "255",
  "3.0",
  "0.5",
  "-2.5",
  "1e100",
  "math.maxinteger",
  "math.mininteger",
  "(0/0)",
  "math.huge",
] as const;
const BINARY = [
  "+",
  "-",
  "*",
  "/",
  "//",
  "%",
  "^",
  "&",
  "|",
  "~",
  "<<",
  ">>",
  "..",
  "==",
  "~=",
  "<",
  "<=",
  ">",
  ">=",
  "and",
  "or",
] as const;

/** The text of a value, without an address: that is as long as the machine has it, and may be measured. */
const text = (value: string) => `(tostring(${value}):gsub("0x.*", ""))`;

/** What compiled code does itself when it is called. */
const INTRINSICS = [
  "math.abs",
  "math.ceil",
  "math.floor",
  "math.max",
  "math.min",
  "math.sqrt",
  "select",
  "string.byte",
  "type",
] as const;

const PRELUDE = `
local M = {}
for _, event in ipairs { "add", "sub", "mul", "div", "mod", "idiv", "band", "shl", "concat", "unm", "call" } do
  M["__" .. event] = function(x, y) depth = depth + 1 return depth end
end
M.__eq = function() depth = depth + 1 return depth % 2 == 0 end
M.__lt = function() coroutine.yield("lt") return depth % 2 == 1 end
M.__le = function(x, y) return 1 end
M.__len = function() return 3 end
M.__index = function(t, k) if k == "x" then return nil end coroutine.yield(k) return 5 end
M.__newindex = function(t, k, v) rawset(t, k, v) end
local O = setmetatable({ name = "O" }, M)
local P = { m = function(self, v) self.n = (self.n or 0) + 1 return self.n, v end }
P.__index = P
local T = setmetatable({ 1, 2.5, "3", x = 4, y = "five" }, P)
`;

class Writer {
  #at = 0;
  /** Statements that may still be written. */
  #budget = 40;
  #functions = 0;
  #labels = 0;

  constructor(readonly decisions: readonly number[]) {}

  program(): string {
    const functions = Array.from({ length: 1 + this.#choose(3) }, () => this.#function());
    return `depth = 0${PRELUDE}${functions.join("\n")}\nlocal a, b, c, d = 3, 4.5, T, "x"\n${
      this.#block(0)
    }\nshow(a, b, d, depth, T.n, #T)`;
  }

  #choose(count: number): number {
    return (this.decisions[this.#at++] ?? 0) % count;
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#choose(items.length)]!;
  }

  #function(): string {
    const name = `f${++this.#functions}`;
    const vararg = this.#choose(4) === 3;
    const body = this.#block(1);
    const last = this.#pick([
      `return a`,
      `return a, b`,
      `return`,
      `return f${this.#functions > 1 ? this.#functions - 1 : 0}(b, a)`,
      `return ${text("b")}`,
      `return ${vararg ? "..." : "c"}`,
    ]);
    const parameters = vararg ? "a, b, ..." : "a, b, c";
    const locals = vararg ? "local c, d = ..." : "local d = T";
    return `local function ${name}(${parameters}) depth = depth + 1 if depth > 60 then return 1 end ${locals}\n${body}\n` +
      `${last} end`.replace("f0(b, a)", "select(2, a, b)");
  }

  #block(nesting: number): string {
    const lines: string[] = [];
    for (let i = 1 + this.#choose(4); i > 0 && this.#budget > 0; i--) {
      this.#budget--;
      lines.push(this.#statement(nesting));
    }
    return lines.join("\n");
  }

  #statement(nesting: number): string {
    const name = this.#pick(NAMES);
    const e = () => this.#expression(0);
    const inner = () => nesting > 3 ? `show("deep")` : this.#block(nesting + 1);
    switch (this.#choose(24)) {
      case 0:
        return `${name} = ${e()}`;
      case 1:
        return `show(${e()})`;
      case 2:
        return `for i = ${this.#choose(5) - 2}, ${this.#choose(7)}, ${
          this.#pick(["1", "2", "-1", "0.5", "1.0"])
        } do\na = i\n${inner()}\nend`;
      case 3:
        return `for k, v in pairs(${
          this.#pick(["T", "{ 1, 2, nil, 4 }", "{ q = a }"])
        }) do\nd = v\n${inner()}\nend`;
      case 4:
        return `do local n = 0 while n < ${
          this.#choose(6)
        } do n = n + 1\n${inner()}\nif ${e()} then break end end end`;
      case 5:
        return `if ${e()} then\n${inner()}\nelse\n${inner()}\nend`;
      case 6:
        return `show(pcall(function()\n${inner()}\nreturn ${e()} end))`;
      case 7:
        return `show(pcall(function(x) local r = ${e()} ${
          this.#pick(["error(x)", "error({})", "x.y.z = r"])
        } end, ${e()}))`;
      case 8:
        return `show(coroutine.yield(${e()}))`;
      case 9:
        return `do local g = coroutine.wrap(function(x) for i = 1, 3 do x = coroutine.yield(i, ${e()}) end\n${inner()}\nreturn x end)` +
          ` for i = 1, ${this.#choose(4)} do show(pcall(g, i)) end end`;
      case 10:
        return `${name} = f${1 + this.#choose(Math.max(1, this.#functions - 1))}(${e()}, ${e()})`
          .replace(
            /f\d+/,
            (f) => this.#functions > 1 ? f : "rawequal",
          );
      case 11:
        return `T[${this.#pick(["1", "#T + 1", "a", "'x'", "2.0"])}] = ${
          this.#pick(["a", "b", "nil", "1", "{}"])
        }`;
      case 12:
        return `show(T:m(${e()}))`;
      case 13:
        return `do local z = ${e()} ${name} = function(q) z = q return z end ${name} = ${name}(${e()}) end`;
      case 14: {
        const label = ++this.#labels;
        return `do local n = 0 ::l${label}:: n = n + 1\n${inner()}\nif n < ${
          this.#choose(4)
        } then goto l${label} end end`;
      }
      case 15:
        return `do local t = { ${e()}, ${e()}, n = ${e()} } show(#t, t.n, select("#", table.unpack(t))) end`;
      case 16:
        return `do local x <close> = setmetatable({}, { __close = function() show("closed") end })\n${inner()}\nend`;
      case 17:
        return `show(pcall(${this.#pick(INTRINSICS)}, ${e()}, ${e()}))`;
      case 18:
        return this.#replacement();
      case 19:
        return this.#coroutine(inner());
      case 20:
        return this.#list();
      case 21:
        return `show(pcall(${this.#text()}))`;
      case 22:
        return `do local function v(...) local x, y = ... ${name} = y return select("#", ...), ... end show(pcall(v, ${e()}, ${
          this.#pick(["table.unpack({ 1, nil, 3 }, 1, 3)", "nil", e()])
        })) end`;
      default:
        return `show(O ${this.#pick(["+", "<", "<=", "=="])} ${
          this.#pick(["a", "O", "T", "1"])
        }, O.${this.#pick(["x", "q"])})`;
    }
  }

  /** A coroutine that is resumed with values, fails or returns, and is closed. */
  #coroutine(inner: string): string {
    const e = () => this.#expression(1);
    const values = () =>
      this.#pick([
        "",
        "a",
        "a, b",
        "nil, d",
        "1, 2, 3",
        "table.unpack({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 })",
      ]);
    const rounds = this.#choose(4);
    const end = this.#pick([
      "return x, ...",
      "error(x)",
      "return x.y.z",
      "return ('x'):rep(x)",
      "return coroutine.yield(x)",
    ]);
    return `do local co = coroutine.create(function(...) local x = ... for i = 1, ${rounds} do ` +
      `x = select(-1, nil, coroutine.yield(${values()})) end\n${inner}\n${end} end)\n` +
      `for i = 1, ${this.#choose(6)} do show(coroutine.resume(co, ${
        this.#pick([e(), "i", "a, b, i", "table.unpack({ 1, 2, 3, 4, 5, 6, 7, 8, 9 })"])
      })) end\n` +
      `show(coroutine.status(co), coroutine.close(co)) end`;
  }

  /** A list that functions of the library change. */
  #list(): string {
    const e = () => this.#expression(1);
    const changes = Array.from({ length: 1 + this.#choose(4) }, () =>
      this.#pick([
        `table.insert(t, ${e()})`,
        `table.insert(t, ${this.#pick(["1", "#t", "#t + 1", "a", "9"])}, ${e()})`,
        `show(table.remove(t))`,
        `show(table.remove(t, ${this.#pick(["1", "#t", "#t + 1", "b", "0"])}))`,
        `t[#t + 1] = ${e()}`,
        `show(table.concat(t, ${this.#pick(["'-'", "a", "','"])}))`,
        `table.sort(t${
          this.#pick([
            "",
            ", function(x, y) return x > y end",
            ", function(x, y) depth = depth + 1 return y < x end",
          ])
        })`,
        `table.move(t, 1, #t, ${this.#pick(["2", "#t", "a"])})`,
        `t.n = table.pack(table.unpack(t)).n`,
        `t[${this.#pick(["1", "2", "#t"])}] = nil`,
        `for i, v in ipairs(t) do d = v end`,
      ])).join("\n");
    return `do local t = { ${this.#pick(["", "3, 1, 2", "'b', 'a'", "1.5, 2, 0", "a, b"])} }\n` +
      `show(pcall(function()\n${changes}\nend))\nshow(#t, t[1], t[2], t[#t], t.n) end`;
  }

  /** A call of a function of strings, but not of the address of a table, which is as long as the machine has it. */
  #text(): string {
    const e = () => this.#expression(2);
    const s = this.#pick([`"text"`, `("x"):rep(50)`, `"a,b;c"`, `tostring(depth)`, `""`]);
    return this.#pick([
      `string.sub, ${s}, ${e()}, ${e()}`,
      `string.sub, ${s}, ${this.#pick(["2", "-2", "0", "9"])}`,
      `string.rep, ${s}, ${this.#pick(["0", "1", "3", "-1", "2.0", "1.5"])}, ${
        this.#pick(["''", "','"])
      }`,
      `string.byte, ${s}, ${e()}, ${this.#pick(["3", "-1", "a"])}`,
      `string.char, ${this.#pick(["65", "65, 66", "256", "0", "a", "b"])}`,
      `string.format, ${
        this.#pick([`"%d %s"`, `"%5.2f|%s"`, `"%q %s"`, `"%x%s"`, `"%s"`])
      }, ${e()}, ${e()}`,
      `string.find, ${s}, ${this.#pick([`"t"`, `"x+"`, `"[,;]"`, `"(.)(.)"`, `"%w$"`])}, ${
        this.#pick(["1", "3", "-1"])
      }`,
      `string.upper, ${s}`,
      `string.len, ${s}`,
      `tostring, ${e()}`,
      `tonumber, ${e()}`,
      `function(x, y) return x .. y .. x end, ${e()}, ${e()}`,
    ]);
  }

  /** Something else takes the place of a function of the library. */
  #replacement(): string {
    const other = this.#pick([
      "function(x) depth = depth + 1 return x end",
      "function() return coroutine.yield('replaced') end",
      "math.abs",
      "type",
      "nil",
      "setmetatable({}, { __call = function(_, x) return x end })",
    ]);
    const name = this.#pick(["floor", "sqrt", "max"]);
    return this.#choose(2) === 0
      ? `type = ${other}`
      : `math = setmetatable({ ${name} = ${other} }, { __index = math })`;
  }

  /** A call of a function that compiled code does itself, with any arguments. */
  #intrinsic(nesting: number): string {
    const e = () => this.#expression(nesting + 1);
    const n = () => this.#pick(NUMBERS);
    switch (this.#choose(6)) {
      case 0:
        return `math.${this.#pick(["floor", "ceil", "abs", "sqrt"])}(${this.#pick([n, e])()})`;
      case 1:
        return `math.${this.#pick(["max", "min"])}(${this.#pick([n, e])()}, ${
          this.#pick([n, e])()
        })`;
      case 2:
        return `("text\\0\\255"):byte(${
          this.#pick(["", "1", "-1", "6", "7", "0", "-6", "-7", "a", "2, 3"])
        })`;
      case 3:
        return `type(${e()})`;
      case 4:
        return `select("#", ${e()}, ${e()})`;
      default:
        return `("ab1 c2"):${this.#pick(["find", "match", "gsub"])}("${
          this.#pick(["%d", "%s+", "[^%a]", "b", "(%a)%d", "%u", "[1-9]$", "c.", "x*"])
        }", "%0")`;
    }
  }

  #expression(nesting: number): string {
    const e = () => this.#expression(nesting + 1);
    switch (this.#choose(nesting > 2 ? 3 : 12)) {
      case 0:
        return this.#pick(NAMES);
      case 1:
        return this.#pick(NUMBERS);
      case 2:
        return this.#pick([
          `"10"`,
          `"s"`,
          "nil",
          "true",
          "false",
          "T.x",
          "T[2]",
          "T[a]",
          "T[b]",
          "#T",
          "O.y",
          "depth",
        ]);
      case 3:
      case 4:
      case 5:
      case 6:
        return `(${e()} ${this.#pick(BINARY)} ${e()})`;
      case 7:
        return `(${this.#pick(["- ", "not ", "~ ", "#"])}${e()})`;
      case 8:
        return `(a ${this.#pick(["+", "-", "*", "%", "//", "<", "==", "<<"])} ${this.#choose(9)})`;
      case 9:
      case 10:
        return this.#intrinsic(nesting);
      default:
        return this.#pick([
          `T.y`,
          `math.type(${e()})`,
          text(e()),
          `{ ${e()} }`,
          "T",
        ]);
    }
  }
}
