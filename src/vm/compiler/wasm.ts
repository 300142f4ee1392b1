/** Types of WebAssembly values. */
export const I32 = 0x7f;
export const I64 = 0x7e;
export const F64 = 0x7c;
export const VOID = 0x40;
const TYPES: Readonly<Record<string, number>> = { i: I32, l: I64, d: F64 };

/** Operators without operands of their own, by WebAssembly's names. */
export const OPERATORS = {
  "unreachable": 0x00,
  "return": 0x0f,
  "drop": 0x1a,
  "select": 0x1b,
  "i32.eqz": 0x45,
  "i32.eq": 0x46,
  "i32.ne": 0x47,
  "i32.lt_s": 0x48,
  "i32.lt_u": 0x49,
  "i32.gt_s": 0x4a,
  "i32.gt_u": 0x4b,
  "i32.le_s": 0x4c,
  "i32.le_u": 0x4d,
  "i32.ge_s": 0x4e,
  "i32.ge_u": 0x4f,
  "i64.eqz": 0x50,
  "i64.eq": 0x51,
  "i64.ne": 0x52,
  "i64.lt_s": 0x53,
  "i64.lt_u": 0x54,
  "i64.gt_s": 0x55,
  "i64.gt_u": 0x56,
  "i64.le_s": 0x57,
  "i64.le_u": 0x58,
  "i64.ge_s": 0x59,
  "i64.ge_u": 0x5a,
  "f64.eq": 0x61,
  "f64.ne": 0x62,
  "f64.lt": 0x63,
  "f64.gt": 0x64,
  "f64.le": 0x65,
  "f64.ge": 0x66,
  "i32.clz": 0x67,
  "i32.add": 0x6a,
  "i32.sub": 0x6b,
  "i32.mul": 0x6c,
  "i32.rem_u": 0x70,
  "i32.and": 0x71,
  "i32.or": 0x72,
  "i32.xor": 0x73,
  "i32.shl": 0x74,
  "i32.shr_s": 0x75,
  "i32.shr_u": 0x76,
  "i64.add": 0x7c,
  "i64.sub": 0x7d,
  "i64.mul": 0x7e,
  "i64.div_s": 0x7f,
  "i64.div_u": 0x80,
  "i64.rem_s": 0x81,
  "i64.and": 0x83,
  "i64.or": 0x84,
  "i64.xor": 0x85,
  "i64.shl": 0x86,
  "i64.shr_s": 0x87,
  "i64.shr_u": 0x88,
  "f64.abs": 0x99,
  "f64.neg": 0x9a,
  "f64.ceil": 0x9b,
  "f64.floor": 0x9c,
  "f64.sqrt": 0x9f,
  "f64.add": 0xa0,
  "f64.sub": 0xa1,
  "f64.mul": 0xa2,
  "f64.div": 0xa3,
  "i32.wrap_i64": 0xa7,
  "i64.extend_i32_s": 0xac,
  "i64.extend_i32_u": 0xad,
  "f64.convert_i64_s": 0xb9,
  "i64.reinterpret_f64": 0xbd,
  "f64.reinterpret_i64": 0xbf,
} as const;
export type Operator = keyof typeof OPERATORS;

/** Accesses of memory, with their alignments as powers of two. */
const LOADS = {
  i32: { operator: 0x28, alignment: 2 },
  i64: { operator: 0x29, alignment: 3 },
  u8: { operator: 0x2d, alignment: 0 },
  u16: { operator: 0x2f, alignment: 1 },
  s16: { operator: 0x2e, alignment: 1 },
} as const;
const STORES = {
  i32: { operator: 0x36, alignment: 2 },
  i64: { operator: 0x37, alignment: 3 },
  u8: { operator: 0x3a, alignment: 0 },
  u16: { operator: 0x3b, alignment: 1 },
} as const;

/** Bytes that the other sections of a module have at most, usually. */
const REST = 4096;

const encoder = new TextEncoder();

/** Bytes that grow, with WebAssembly's encodings of numbers. */
export class Bytes {
  #bytes: Uint8Array<ArrayBuffer>;
  length = 0;

  /** @param room bytes that it holds before it has to grow */
  constructor(room = 1024) {
    this.#bytes = new Uint8Array(room);
  }

  byte(value: number): this {
    if (this.length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.length++] = value;
    return this;
  }

  /** An operator and a number behind it, in unsigned LEB128. */
  pair(operator: number, value: number): this {
    if (value > 127 || this.length + 2 > this.#bytes.length) {
      return this.byte(operator).unsigned(value);
    }
    this.#bytes[this.length] = operator;
    this.#bytes[this.length + 1] = value;
    this.length += 2;
    return this;
  }

  /** An access of memory. */
  access(operator: number, alignment: number, offset: number): this {
    if (offset > 127 || this.length + 3 > this.#bytes.length) {
      return this.byte(operator).byte(alignment).unsigned(offset);
    }
    this.#bytes[this.length] = operator;
    this.#bytes[this.length + 1] = alignment;
    this.#bytes[this.length + 2] = offset;
    this.length += 3;
    return this;
  }

  append(bytes: Uint8Array): this {
    if (this.length + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
    return this;
  }

  /** Unsigned LEB128. */
  unsigned(value: number): this {
    if (value < 128) return this.byte(value);
    let rest = value >>> 0;
    while (rest > 127) {
      this.byte((rest & 127) | 128);
      rest >>>= 7;
    }
    return this.byte(rest);
  }

  /** Signed LEB128 of 32 bits. */
  signed(value: number): this {
    if (value >= -64 && value < 64) return this.byte(value & 127);
    let rest = value | 0;
    while (rest < -64 || rest > 63) {
      this.byte((rest & 127) | 128);
      rest >>= 7;
    }
    return this.byte(rest & 127);
  }

  /** Signed LEB128 of 64 bits. */
  signed64(value: bigint): this {
    let rest = BigInt.asIntN(64, value);
    if (rest >= -0x4000_0000n && rest < 0x4000_0000n) return this.signed(Number(rest));
    while (rest < -64n || rest > 63n) {
      this.byte(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    return this.byte(Number(rest & 127n));
  }

  text(text: string): this {
    const bytes = encoder.encode(text);
    return this.unsigned(bytes.length).append(bytes);
  }

  /** The bytes so far, good until more are added. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.length);
  }

  #grow(by: number): void {
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.length + by));
    larger.set(this.view());
    this.#bytes = larger;
  }
}

/** A function's body under construction: instructions, locals, and blocks by what they are labelled with. */
export class Body<Label> {
  readonly #code = new Bytes();
  readonly #locals: number[] = [];
  readonly #labels: (Label | undefined)[] = [];

  constructor(readonly parameters: number) {}

  /** A new local of a type. */
  local(type: number): number {
    this.#locals.push(type);
    return this.parameters + this.#locals.length - 1;
  }

  /** Bytes of instructions so far. */
  get size(): number {
    return this.#code.length;
  }

  /** How many blocks are open. */
  get depth(): number {
    return this.#labels.length;
  }

  /** The label of the innermost block. */
  get innermost(): Label | undefined {
    return this.#labels.at(-1);
  }

  do(operator: Operator, second?: Operator, third?: Operator, fourth?: Operator): this {
    this.#code.byte(OPERATORS[operator]);
    if (second !== undefined) this.#code.byte(OPERATORS[second]);
    if (third !== undefined) this.#code.byte(OPERATORS[third]);
    if (fourth !== undefined) this.#code.byte(OPERATORS[fourth]);
    return this;
  }

  get(local: number): this {
    this.#code.pair(0x20, local);
    return this;
  }

  set(local: number): this {
    this.#code.pair(0x21, local);
    return this;
  }

  tee(local: number): this {
    this.#code.pair(0x22, local);
    return this;
  }

  i32(value: number): this {
    if (value >= -64 && value < 64) this.#code.pair(0x41, value & 127);
    else this.#code.byte(0x41).signed(value);
    return this;
  }

  i64(value: bigint): this {
    this.#code.byte(0x42).signed64(value);
    return this;
  }

  f64(value: number): this {
    this.#code.byte(0x44).append(new Uint8Array(new Float64Array([value]).buffer));
    return this;
  }

  load(what: keyof typeof LOADS, offset: number): this {
    const access = LOADS[what];
    this.#code.access(access.operator, access.alignment, offset);
    return this;
  }

  store(what: keyof typeof STORES, offset: number): this {
    const access = STORES[what];
    this.#code.access(access.operator, access.alignment, offset);
    return this;
  }

  /** Takes one from the global 0 and leaves what remains on the stack. */
  takeFromGlobal(scratch: number): this {
    this.#code.byte(0x23).byte(0);
    this.i32(1).do("i32.sub").tee(scratch);
    this.#code.byte(0x24).byte(0);
    return this.get(scratch);
  }

  /** Pushes a global, 0 unless given. */
  global(index = 0): this {
    this.#code.byte(0x23).byte(index);
    return this;
  }

  /** Sets it. */
  setGlobal(index = 0): this {
    this.#code.byte(0x24).byte(index);
    return this;
  }

  /** i64.trunc_sat_f64_s. */
  truncate(): this {
    this.#code.byte(0xfc).byte(6);
    return this;
  }

  call(index: number): this {
    this.#code.pair(0x10, index);
    return this;
  }

  /** Calls the function of the table whose index is on the stack; it has the module's first type unless given. */
  callIndirect(type = 0): this {
    this.#code.byte(0x11).unsigned(type).byte(0);
    return this;
  }

  /** Calls a function whose place in the table is known. */
  callEntry({ index, type }: Entry): this {
    return this.i32(index).callIndirect(type);
  }

  if(type = VOID): this {
    this.#code.byte(0x04).byte(type);
    this.#labels.push(undefined);
    return this;
  }

  else(): this {
    this.#code.byte(0x05);
    return this;
  }

  /** Opens a block, which `branch` knows by the number answered. */
  block(label?: Label): number {
    this.#code.byte(0x02).byte(VOID);
    return this.#labels.push(label);
  }

  loop(label?: Label): number {
    this.#code.byte(0x03).byte(VOID);
    return this.#labels.push(label);
  }

  end(): this {
    this.#code.byte(0x0b);
    this.#labels.pop();
    return this;
  }

  branch(block: number): this {
    this.#code.pair(0x0c, this.#labels.length - block);
    return this;
  }

  branchIf(block: number): this {
    this.#code.pair(0x0d, this.#labels.length - block);
    return this;
  }

  branchTable(blocks: readonly number[], otherwise: number): this {
    this.#code.byte(0x0e).unsigned(blocks.length);
    for (const block of [...blocks, otherwise]) this.#code.unsigned(this.#labels.length - block);
    return this;
  }

  /** The innermost open block whose label fits; 0 for none. */
  find(fits: (label: Label) => boolean): number {
    for (let at = this.#labels.length - 1; at >= 0; at--) {
      const label = this.#labels[at];
      if (label !== undefined && fits(label)) return at + 1;
    }
    return 0;
  }

  /** The body as a code section holds it. */
  finish(): Uint8Array {
    const out = new Bytes(this.#code.length + 64);
    const runs: [number, number][] = [];
    for (const type of this.#locals) {
      const last = runs.at(-1);
      if (last?.[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    out.unsigned(runs.length);
    for (const [count, type] of runs) out.unsigned(count).byte(type);
    return out.append(this.#code.view()).byte(0x0b).view();
  }
}

/** A function in the table: its index there, and the index of its type in the module. */
export interface Entry {
  readonly index: number;
  readonly type: number;
}

/** A function with its signature, as in "iii:i": i for i32, l for i64, d for f64. */
export interface Shared {
  readonly type: string;
  readonly body: Uint8Array;
}

/** All signatures of a module, without repetitions: first the functions' own, then what they call in the table. */
export function signatures(
  type: string,
  called: readonly string[],
  shared: readonly Shared[] = [],
): string[] {
  return [...new Set([type, ...called, ...shared.map((each) => each.type)])];
}

/**
 * A module of functions that all have one type, exported as f0, f1 ….
 *
 * @param type their signature
 * @param called signatures of what they call through the table
 * @param shared functions that the others call, by the indices from 0 on
 * @param bodies what `Body.finish` answers
 */
export function assemble(
  type: string,
  called: readonly string[],
  shared: readonly Shared[],
  bodies: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const types = signatures(type, called, shared);
  const all = [...shared.map((each) => each.body), ...bodies];
  /** Of the code section, or more. */
  const length = all.reduce((sum, body) => sum + body.length + 5, 5);
  const out = new Bytes(length + REST);
  for (const byte of [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) out.byte(byte);
  const section = (id: number, count: number, fill: (to: Bytes) => void, room = REST) => {
    const content = new Bytes(room).unsigned(count);
    fill(content);
    out.byte(id).unsigned(content.length).append(content.view());
  };
  section(1, types.length, (to) => {
    for (const signature of types) {
      to.byte(0x60);
      for (const part of signature.split(":")) {
        to.unsigned(part.length);
        for (const letter of part) to.byte(TYPES[letter]!);
      }
    }
  });
  section(2, 4, (to) => {
    to.text("lua").text("memory").byte(2).byte(0).unsigned(1);
    to.text("lua").text("table").byte(1).byte(0x70).byte(0).unsigned(1);
    to.text("lua").text("fuel").byte(3).byte(I32).byte(1);
    to.text("lua").text("toil").byte(3).byte(I32).byte(1);
  });
  section(3, shared.length + bodies.length, (to) => {
    for (const each of shared) to.unsigned(types.indexOf(each.type));
    bodies.forEach(() => to.unsigned(0));
  });
  section(
    7,
    bodies.length,
    (to) => bodies.forEach((_, i) => to.text(`f${i}`).byte(0).unsigned(shared.length + i)),
  );
  section(10, all.length, (to) => {
    for (const body of all) to.unsigned(body.length).append(body);
  }, length);
  return out.view();
}
