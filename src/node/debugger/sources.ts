import { resolve } from "node:path";
import type { Entry } from "../../registry/entry.ts";
import { statementLines } from "../../app/statement-lines.ts";

/** A chunk whose code is in a file. */
interface Chunk {
  /** What Lua may call its source. */
  sources: string[];
  /** The lines of the file at which it begins and ends. */
  first: number;
  last: number;
  /** The lines of the chunk on which statements begin, sorted; undefined when they are not known. */
  lines?: number[];
}

/** Paths of one file are compared as they are on disk, as far as they are absolute. */
function isFile(path: string, file: string, directory: string): boolean {
  return resolve(directory, path) === file;
}

function chunkOf(entry: Entry): string {
  return entry.origin?.chunk ?? entry.id;
}

function fileOfEntry({ origin }: Entry): { file: string; line: number } | undefined {
  if (origin?.source) return origin.source;
  const file = origin?.script?.file;
  return file === undefined ? undefined : { file, line: 1 };
}

/**
 * The chunks whose code is in a file: those of entries; where there is none, one that a script may load.
 *
 * @param file absolute path
 */
export function chunksOf(
  file: string,
  entries: ReadonlyMap<string, Entry>,
  directory: string,
): Chunk[] {
  const found = [...entries.values()].flatMap((entry): Chunk[] => {
    const place = fileOfEntry(entry);
    if (place === undefined || !isFile(place.file, file, directory)) return [];
    const text = entry.origin?.text ?? entry.data["source"];
    if (typeof text !== "string") return [];
    const [first, lines] = [place.line, statementLines(text)];
    const last = first + text.split("\n").length - 1;
    return [{ sources: [`=${chunkOf(entry)}`], first, last, ...(lines && { lines }) }];
  });
  if (found.length > 0) return found;
  if (![...entries.values()].some(({ origin }) => origin?.script)) return [];
  const relative = file.startsWith(`${directory}/`) ? file.slice(directory.length + 1) : file;
  return [{ sources: [`@${file}`, `@${relative}`, `@./${relative}`], first: 1, last: Infinity }];
}

/** The file and line of a line of a chunk, as far as it has a file. */
export function fileOf(
  source: string,
  line: number,
  entries: ReadonlyMap<string, Entry>,
  directory: string,
): { file?: string; line: number; chunk: string } {
  const chunk = source.replace(/^[=@]/, "");
  for (const entry of entries.values()) {
    if (chunkOf(entry) !== chunk) continue;
    const place = fileOfEntry(entry);
    if (place === undefined) break;
    return { file: resolve(directory, place.file), line: place.line + line - 1, chunk };
  }
  return source.startsWith("@")
    ? { file: resolve(directory, chunk), line, chunk }
    : { line, chunk };
}
