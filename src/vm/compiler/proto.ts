import type { Heap } from "../heap.ts";
import { TAG } from "../layout.ts";
import { decode, type Instruction } from "./opcodes.ts";

/** Tags of values as registers hold them, with the bit for what is collected. */
export const NIL = TAG.nil;
export const FALSE = TAG.false;
export const TRUE = TAG.true;
export const INTEGER = TAG.integer;
export const FLOAT = TAG.float;
export const STRING = 0x44;
export const LONG_STRING = 0x54;
export const TABLE = 0x45;
export const LUA_FUNCTION = 0x46;
/** C functions, light and with upvalues. */
export const C_FUNCTION = 0x16;
export const C_CLOSURE = 0x66;
export const COLLECTABLE = 0x40;

/** A constant of a function. */
export interface Constant {
  /** Where its TValue is. */
  readonly address: number;
  readonly tag: number;
  /** Its eight bytes as an integer, as a float, and their lower half as an address. */
  readonly bits: bigint;
  readonly float: number;
  readonly pointer: number;
  /** Of a short string. */
  readonly hash: number;
}

/** A Lua function's prototype, read from the wasm's memory. */
export interface Proto {
  readonly address: number;
  /** Where its instructions are. */
  readonly codeAddress: number;
  readonly code: readonly Instruction[];
  readonly constants: readonly Constant[];
  /** Addresses of the functions within. */
  readonly protos: readonly number[];
  readonly parameters: number;
  readonly registers: number;
  readonly vararg: boolean;
  /** Registers that closures within capture. */
  readonly captured: ReadonlySet<number>;
}

/** Offsets in bytes; the three bytes behind maxstacksize are unused in C. */
export const PROTO = {
  parameters: 6,
  vararg: 7,
  registers: 8,
  compiled: 10,
  upvalueCount: 12,
  constantCount: 16,
  codeSize: 20,
  lineCount: 24,
  protoCount: 28,
  absoluteLineCount: 36,
  lineDefined: 40,
  lastLine: 44,
  constants: 48,
  code: 52,
  protos: 56,
  upvalues: 60,
  lines: 64,
  absoluteLines: 68,
  source: 76,
} as const;
/** Of a Lua closure. */
export const CLOSURE = { proto: 12 } as const;
const UPVALUE = { size: 8, inStack: 4, index: 5 } as const;
const OBJECT = { next: 0, type: 4 } as const;
const PROTO_TYPE = 10;

/** Reads the Proto at an address. */
export function readProto(heap: Heap, address: number): Proto {
  const word = (at: number) => heap.u32[at >> 2]!;
  const codeAddress = word(address + PROTO.code);
  const first = codeAddress >> 2;
  const constantsAt = word(address + PROTO.constants);
  const protos = list(heap, address);
  const captured = new Set<number>();
  for (const proto of protos) {
    for (let i = 0; i < word(proto + PROTO.upvalueCount); i++) {
      const upvalue = word(proto + PROTO.upvalues) + UPVALUE.size * i;
      if (heap.u8[upvalue + UPVALUE.inStack]) captured.add(heap.u8[upvalue + UPVALUE.index]!);
    }
  }
  return {
    address,
    codeAddress,
    code: Array.from(heap.u32.subarray(first, first + word(address + PROTO.codeSize)), decode),
    constants: Array.from({ length: word(address + PROTO.constantCount) }, (_, i) => {
      const at = constantsAt + 16 * i;
      return {
        address: at,
        tag: heap.u8[at + 8]!,
        bits: heap.i64[at >> 3]!,
        float: heap.f64[at >> 3]!,
        pointer: word(at),
        hash: heap.u8[at + 8] === STRING ? word(word(at) + 8) : 0,
      };
    }),
    protos,
    parameters: heap.u8[address + PROTO.parameters]!,
    registers: heap.u8[address + PROTO.registers]!,
    vararg: heap.u8[address + PROTO.vararg] !== 0,
    captured,
  };
}

function list(heap: Heap, address: number): number[] {
  const first = heap.u32[(address + PROTO.protos) >> 2]! >> 2;
  return Array.from(heap.u32.subarray(first, first + heap.u32[(address + PROTO.protoCount) >> 2]!));
}

/** A Proto and all within it. */
export function withinProto(heap: Heap, address: number): number[] {
  return [address, ...list(heap, address).flatMap((inner) => withinProto(heap, inner))];
}

/** Instructions of a Proto. */
export function codeSize(heap: Heap, address: number): number {
  return heap.u32[(address + PROTO.codeSize) >> 2]!;
}

/** Sets the index in the function table of a Proto's compiled code. */
export function setCompiledIndex(heap: Heap, address: number, index: number): void {
  heap.u8[address + PROTO.compiled] = index & 255;
  heap.u8[address + PROTO.compiled + 1] = index >> 8;
}

/** The name of a Proto's chunk in Lua's form: "=app:thing". */
export function chunkOf(heap: Heap, address: number): string {
  const source = heap.u32[(address + PROTO.source) >> 2]!;
  return source === 0 ? "" : heap.cString(source + 16);
}

/** Whether a Proto is the kernel's: its chunk's name begins with "=lua/". */
export function isKernelProto(heap: Heap, address: number): boolean {
  const source = heap.u32[(address + PROTO.source) >> 2]!;
  return source !== 0 && heap.buffer.toString("latin1", source + 16, source + 21) === "=lua/";
}

/** The Protos that are alive, from the collector's list. L's global state is at 16, its list of objects at 88. */
export function allProtos(heap: Heap, L: number): number[] {
  const found: number[] = [];
  const global = heap.u32[(L + 16) >> 2]!;
  for (let at = heap.u32[(global + 88) >> 2]!; at !== 0; at = heap.u32[(at + OBJECT.next) >> 2]!) {
    if (heap.u8[at + OBJECT.type] === PROTO_TYPE) found.push(at);
  }
  return found;
}
