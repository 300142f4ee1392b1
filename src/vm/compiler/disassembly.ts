import { OPERATORS } from "./wasm.ts";

const NAMES = new Map<number, string>(
  Object.entries(OPERATORS).map(([name, code]) => [code, name]),
);
const MEMORY: Readonly<Record<number, string>> = {
  0x28: "i32.load",
  0x29: "i64.load",
  0x2d: "i32.load8_u",
  0x2e: "i32.load16_s",
  0x2f: "i32.load16_u",
  0x36: "i32.store",
  0x37: "i64.store",
  0x3a: "i32.store8",
  0x3b: "i32.store16",
};
const TYPES: Readonly<Record<number, string>> = { 0x7f: "i32", 0x7e: "i64", 0x7c: "f64" };
const BLOCKS: Readonly<Record<number, string>> = { 0x02: "block", 0x03: "loop", 0x04: "if" };

/** What numbers in the code stand for. */
export interface Names {
  local(index: number): string;
  called(index: number): string;
  /** The function at an index of the function table, if it is known. */
  entry(index: number): string | undefined;
  global(index: number): string;
  /** What a number that is returned says. */
  answer(value: number): string | undefined;
}

/** One instruction of WebAssembly. */
export interface WasmLine {
  /** Byte of the code at which it begins. */
  readonly at: number;
  /** How deep it is in blocks. */
  readonly depth: number;
  readonly text: string;
}

/** Reads what `Body` encodes. */
class Reader {
  at = 0;

  constructor(readonly bytes: Uint8Array) {}

  byte(): number {
    return this.bytes[this.at++]!;
  }

  unsigned(): number {
    return Number(BigInt.asUintN(32, this.#number(false)));
  }

  signed(): bigint {
    return this.#number(true);
  }

  double(): number {
    const value = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.at).getFloat64(
      0,
      true,
    );
    this.at += 8;
    return value;
  }

  #number(signed: boolean): bigint {
    let [value, shift] = [0n, 0n];
    for (;;) {
      const byte = this.byte();
      value |= BigInt(byte & 127) << shift;
      shift += 7n;
      if (byte & 128) continue;
      return signed && byte & 64 ? value - (1n << shift) : value;
    }
  }
}

/** The instructions of a function's body as `Body.finish` answers it, with the places in its code. */
export function disassemble(body: Uint8Array, names: Names): WasmLine[] {
  const header = new Reader(body);
  for (let runs = header.unsigned(); runs > 0; runs--) {
    header.unsigned();
    header.byte();
  }
  const from = new Reader(body.subarray(header.at));
  const lines: WasmLine[] = [];
  let depth = 0;
  let constant: number | undefined;
  while (from.at < from.bytes.length) {
    const { at } = from;
    const code = from.byte();
    if (code === 0x0b || code === 0x05) depth--;
    let text = textOf(code, from, names, depth);
    if (NAMES.get(code) === "return" && constant !== undefined) {
      const answer = names.answer(constant);
      if (answer !== undefined) text += ` ;; ${answer}`;
    }
    // A known function is called by its index right behind that.
    const entry = code === 0x11 && constant !== undefined ? names.entry(constant) : undefined;
    const begun = entry === undefined ? at : lines.pop()!.at;
    if (entry !== undefined) text = `call ${entry}`;
    constant = code === 0x41 ? Number(text.split(" ")[1]) : undefined;
    // The end of the function itself.
    if (depth >= 0) lines.push({ at: begun, depth, text });
    if (BLOCKS[code] !== undefined || code === 0x05) depth++;
  }
  return lines;
}

/** The rest of an instruction; a branch names how deep the block is that it goes to. */
function textOf(code: number, from: Reader, names: Names, depth: number): string {
  const target = () => `@${depth - 1 - from.unsigned()}`;
  const block = BLOCKS[code];
  if (block !== undefined) {
    const type = TYPES[from.byte()];
    return `${block}${type === undefined ? "" : ` (result ${type})`} @${depth}`;
  }
  const memory = MEMORY[code];
  if (memory !== undefined) {
    from.unsigned();
    const offset = from.unsigned();
    return offset === 0 ? memory : `${memory} offset=${offset}`;
  }
  switch (code) {
    case 0x05:
      return "else";
    case 0x0b:
      return "end";
    case 0x0c:
      return `br ${target()}`;
    case 0x0d:
      return `br_if ${target()}`;
    case 0x0e: {
      const count = from.unsigned();
      return `br_table ${Array.from({ length: count + 1 }, target).join(" ")}`;
    }
    case 0x10:
      return `call ${names.called(from.unsigned())}`;
    case 0x11:
      return `call_indirect (type ${from.unsigned()}) (table ${from.unsigned()})`;
    case 0x20:
      return `local.get ${names.local(from.unsigned())}`;
    case 0x21:
      return `local.set ${names.local(from.unsigned())}`;
    case 0x22:
      return `local.tee ${names.local(from.unsigned())}`;
    case 0x23:
      return `global.get ${names.global(from.unsigned())}`;
    case 0x24:
      return `global.set ${names.global(from.unsigned())}`;
    case 0x41:
      return `i32.const ${from.signed()}`;
    case 0x42:
      return `i64.const ${from.signed()}`;
    case 0x44:
      return `f64.const ${from.double()}`;
    case 0xfc:
      from.unsigned();
      return "i64.trunc_sat_f64_s";
  }
  const name = NAMES.get(code);
  if (name === undefined) throw new Error(`no name for the operator 0x${code.toString(16)}`);
  return name;
}
