import { WippyError } from "../../vm/error.ts";

/** Formats that can be read and written. */
export const formats = ["zip", "tar", "tar.gz", "tar.zst"] as const;

export type Format = (typeof formats)[number];

/** Bytes at the beginning of an archive that tell its format. */
export const magicBytes = 265;

/** A failure of kind Invalid: what is wrong with an archive, or more than a limit allows. */
export function invalid(message: string, cause?: unknown): WippyError {
  return new WippyError("Invalid", `archive: ${message}`, {
    retryable: false,
    ...(cause !== undefined && { cause }),
  });
}

/** What a library throws about the content of an archive. */
export function corrupt(error: unknown): WippyError {
  return error instanceof WippyError
    ? error
    : invalid(`corrupt: ${error instanceof Error ? error.message : String(error)}`, error);
}

/** The format that the ending of a name stands for. */
export function formatOfName(name: string): Format | undefined {
  const lower = name.toLowerCase();
  if (lower.endsWith(".zip")) return "zip";
  if (lower.endsWith(".tar")) return "tar";
  if (/\.(tar\.gz|tgz)$/.test(lower)) return "tar.gz";
  if (/\.(tar\.zst|tzst)$/.test(lower)) return "tar.zst";
  return undefined;
}

/** The format that the first bytes of an archive stand for. */
export function formatOfBytes(first: Uint8Array): Format | undefined {
  const begins = (...bytes: number[]) => bytes.every((byte, index) => first[index] === byte);
  if (begins(0x50, 0x4b, 3, 4) || begins(0x50, 0x4b, 5, 6)) return "zip";
  if (begins(0x1f, 0x8b)) return "tar.gz";
  if (begins(0x28, 0xb5, 0x2f, 0xfd)) return "tar.zst";
  if (new TextDecoder("latin1").decode(first.subarray(257, 262)) === "ustar") return "tar";
  return undefined;
}
