/**
 * What functions become, for people.
 * @module
 */
import { LUA_FUNCTIONS } from "../transform/compiled_imports.ts";
import { linesOf, textOfInstruction } from "./bytecode-text.ts";
import type { CompilerVm } from "./compiler.ts";
import { disassemble, type Names, type WasmLine } from "./disassembly.ts";
import { CODE, Frame, type LuaFunction, luaFunction, SHARED } from "./frame.ts";
import { compileFunction } from "./function.ts";
import { allProtos, chunkOf, PROTO, readProto } from "./proto.ts";
import { Unsupported } from "./regions.ts";

/** An instruction of Lua, and the WebAssembly that does it. */
export interface InstructionListing {
  readonly line: number;
  readonly text: string;
  /** None where the function is left to the interpreter. */
  readonly wasm: readonly string[];
}

/** A function: what it is in bytecode and in WebAssembly. */
export interface FunctionListing {
  /** Its first and last line; 0 of a whole chunk. */
  readonly from: number;
  readonly to: number;
  readonly parameters: number;
  readonly registers: number;
  /** Bytes of WebAssembly; 0 when it is left to the interpreter. */
  readonly bytes: number;
  /** Why it is left to the interpreter. */
  readonly refused?: string;
  /** What is done where it is entered. */
  readonly beginning: readonly string[];
  readonly instructions: readonly InstructionListing[];
}

const ENTRIES = new Map(
  Object.keys(LUA_FUNCTIONS).map((name) => [luaFunction(name as LuaFunction).index, name]),
);
const GLOBALS = ["fuel", "toil"];
const ANSWERS: Readonly<Record<number, string>> = {
  [CODE.returned]: "it has returned",
  [CODE.interpret]: "the interpreter goes on",
  [CODE.begins]: "another function begins",
  [CODE.callerInterprets]: "the interpreter goes on in the caller",
  [CODE.notHere]: "it cannot be entered here",
};

/** What the functions of a chunk become, in the order of their lines. @param chunk its name in Lua's form */
export function listFunctions(vm: CompilerVm, chunk: string): FunctionListing[] {
  // The newest is the first, and what lies in a function is made after it.
  return allProtos(vm.heap, vm.main).reverse()
    .filter((address) => chunkOf(vm.heap, address) === chunk)
    .map((address) => listFunction(vm, address))
    .sort((a, b) => a.from - b.from || b.to - a.to);
}

function listFunction({ heap, iterators }: CompilerVm, address: number): FunctionListing {
  const proto = readProto(heap, address);
  const lines = linesOf(heap, proto);
  const frame = new Frame(proto, iterators);
  const names: Names = {
    local: (index) => frame.nameOf(index),
    called: (index) => SHARED[index] === undefined ? `${index}` : `shared:${SHARED[index]}`,
    entry: (index) => ENTRIES.get(index),
    global: (index) => GLOBALS[index] ?? `${index}`,
    answer: (value) => ANSWERS[value],
  };
  const starts: number[] = [];
  let code: WasmLine[] = [];
  let bytes = 0;
  let refused: string | undefined;
  try {
    const body = compileFunction(proto, iterators, (pc, at) => starts[pc] = at);
    bytes = body.length;
    code = disassemble(body, names);
  } catch (error) {
    if (!(error instanceof Unsupported)) throw error;
    refused = error.message;
    starts.length = 0;
  }
  const between = (from: number, to: number) =>
    code.filter(({ at }) => at >= from && at < to)
      .map(({ depth, text }) => "  ".repeat(depth) + text);
  return {
    from: heap.u32[(address + PROTO.lineDefined) >> 2]!,
    to: heap.u32[(address + PROTO.lastLine) >> 2]!,
    parameters: proto.parameters,
    registers: proto.registers,
    bytes,
    ...refused !== undefined && { refused },
    beginning: between(0, starts[0] ?? 0),
    instructions: proto.code.map((_, pc) => ({
      line: lines[pc]!,
      text: textOfInstruction(heap, proto, pc),
      wasm: between(starts[pc] ?? 0, starts[pc + 1] ?? (starts.length === 0 ? 0 : Infinity)),
    })),
  };
}
