/**
 * What the header of an executable says, for platforms whose programs do not run here.
 * @module
 */

/** An executable, as its header describes it. */
export interface Header {
  format: "ELF" | "Mach-O" | "PE";
  cpu: "x64" | "arm64";
  /** The dynamic loader; ELF only. */
  loader?: string;
  /** Names of its sections. */
  sections: string[];
  /** Whether the ad-hoc signature covers every page; Mach-O only. */
  signed?: boolean;
}

/** Reads the header of an executable. @throws when it has none that is known */
export function readHeader(program: Buffer): Header {
  if (program.toString("latin1", 0, 4) === "\x7fELF") return readElf(program);
  if (program.readUInt32LE(0) === 0xfeedfacf) return readMachO(program);
  if (program.toString("latin1", 0, 2) === "MZ") return readPortable(program);
  throw new Error("neither ELF nor Mach-O nor PE");
}

function textAt(program: Buffer, offset: number): string {
  return program.toString("latin1", offset, program.indexOf(0, offset));
}

const cpuOf = <Code extends number>(codes: Record<Code, "x64" | "arm64">, code: number) => {
  const cpu = (codes as Record<number, "x64" | "arm64">)[code];
  if (cpu === undefined) throw new Error(`unknown processor ${code}`);
  return cpu;
};

function readElf(program: Buffer): Header {
  const table = Number(program.readBigUInt64LE(40));
  const [size, count, names] = [58, 60, 62].map((at) => program.readUInt16LE(at));
  const section = (index: number) => {
    const at = table + index * size!;
    return { name: program.readUInt32LE(at), offset: Number(program.readBigUInt64LE(at + 24)) };
  };
  const strings = section(names!).offset;
  const found = Array.from({ length: count! }, (_, index) => {
    const { name, offset } = section(index);
    return { name: textAt(program, strings + name), offset };
  });
  return {
    format: "ELF",
    cpu: cpuOf({ 62: "x64", 183: "arm64" }, program.readUInt16LE(18)),
    loader: textAt(program, found.find(({ name }) => name === ".interp")!.offset),
    sections: found.map(({ name }) => name),
  };
}

function readPortable(program: Buffer): Header {
  const header = program.readUInt32LE(60);
  if (program.toString("latin1", header, header + 4) !== "PE\0\0") throw new Error("no PE header");
  const table = header + 24 + program.readUInt16LE(header + 20);
  const sections = Array.from({ length: program.readUInt16LE(header + 6) }, (_, index) => {
    const at = table + index * 40;
    const [size, offset] = [16, 20].map((field) => program.readUInt32LE(at + field));
    if (offset! + size! > program.length) throw new Error("a section ends behind the file");
    return program.toString("latin1", at, at + 8).replaceAll("\0", "");
  });
  const cpu = cpuOf({ 0x8664: "x64", 0xaa64: "arm64" }, program.readUInt16LE(header + 4));
  return { format: "PE", cpu, sections };
}

function readMachO(program: Buffer): Header {
  const sections: string[] = [];
  let signature: number | undefined;
  let at = 32;
  for (let index = 0; index < program.readUInt32LE(16); index++) {
    const command = program.readUInt32LE(at);
    if (command === 0x19) {
      const count = program.readUInt32LE(at + 64);
      for (let number = 0; number < count; number++) {
        sections.push(textAt(program, at + 72 + number * 80).slice(0, 16));
      }
    }
    if (command === 0x1d) signature = program.readUInt32LE(at + 8);
    at += program.readUInt32LE(at + 4);
  }
  return {
    format: "Mach-O",
    cpu: cpuOf({ 0x01000007: "x64", 0x0100000c: "arm64" }, program.readUInt32LE(4)),
    sections,
    signed: signature !== undefined && isSigned(program, signature),
  };
}

/** Whether the code directory of a signature has the hash of every page before it. */
function isSigned(program: Buffer, signature: number): boolean {
  if (program.readUInt32BE(signature) !== 0xfade0cc0) return false;
  for (let index = 0; index < program.readUInt32BE(signature + 8); index++) {
    const directory = signature + program.readUInt32BE(signature + 16 + index * 8);
    if (program.readUInt32BE(directory) !== 0xfade0c02) continue;
    const [hashes, pages, end] = [16, 28, 32].map((at) => program.readUInt32BE(directory + at));
    const [hashSize, hashType, pageBits] = [36, 37, 39].map((at) => program[directory + at]!);
    if (hashType !== 2 || end !== signature) return false;
    for (let page = 0; page < pages!; page++) {
      const start = page << pageBits!;
      const data = program.subarray(start, Math.min(start + (1 << pageBits!), end!));
      const wanted = directory + hashes! + page * hashSize!;
      const found = new Bun.CryptoHasher("sha256").update(data).digest();
      if (!program.subarray(wanted, wanted + hashSize!).equals(Buffer.from(found))) return false;
    }
    return true;
  }
  return false;
}
