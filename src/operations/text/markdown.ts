import { splitRecursively } from "./splitter.ts";

/** How Markdown is cut into chunks. Lengths are in characters (code points). */
export interface MarkdownOptions {
  size: number;
  overlap: number;
  /** Whether fenced and indented code stays. */
  codeBlocks: boolean;
  /** Whether `[text][name]` becomes `[text](url)`. */
  referenceLinks: boolean;
  /** Whether a chunk begins with all headings above it, not with the nearest one only. */
  headingHierarchy: boolean;
  /** Whether the rows of a table share a chunk as far as they fit. */
  joinTableRows: boolean;
}

interface Section {
  /** The headings above, the outermost first. */
  headings: { level: number; text: string }[];
  blocks: string[];
}

/** Cuts Markdown at its headings, and what is too large between its blocks. */
export function splitMarkdown(text: string, options: MarkdownOptions): string[] {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  const targets = options.referenceLinks ? targetsOf(lines) : new Map<string, string>();
  return sectionsOf(lines, options).flatMap((section) => chunksOf(section, targets, options));
}

const definition = /^ {0,3}\[([^\]]+)\]:\s*(\S+)/;
const heading = /^ {0,3}(#{1,6})(?:\s+(.*?))?(?:\s+#*)?\s*$/;
const fence = /^ {0,3}(`{3,}|~{3,})/;
const tableRule = /^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;

function targetsOf(lines: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of lines) {
    const [, name, url] = definition.exec(line) ?? [];
    if (name !== undefined) found.set(name.toLowerCase(), url!);
  }
  return found;
}

function sectionsOf(lines: readonly string[], options: MarkdownOptions): Section[] {
  let section: Section = { headings: [], blocks: [] };
  const sections = [section];
  let block: string[] = [];
  const close = () => {
    if (block.length > 0) section.blocks.push(block.join("\n"));
    block = [];
  };
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    const mark = fence.exec(line)?.[1];
    if (mark !== undefined) {
      close();
      const code = [line];
      while (++i < lines.length) {
        code.push(lines[i]!);
        if (lines[i]!.trimStart().startsWith(mark)) break;
      }
      if (options.codeBlocks) section.blocks.push(code.join("\n"));
      continue;
    }
    const [, level, title = ""] = heading.exec(line) ?? [];
    if (level !== undefined) {
      close();
      const above = section.headings.filter((each) => each.level < level.length);
      section = {
        headings: [...above, { level: level.length, text: `${level} ${title}` }],
        blocks: [],
      };
      sections.push(section);
    } else if (
      line.includes("|") && tableRule.test(lines[i + 1] ?? "") && lines[i + 1]!.includes("-")
    ) {
      close();
      const head = [line, lines[++i]!];
      const rows: string[] = [];
      while ((lines[i + 1] ?? "").includes("|")) rows.push(lines[++i]!);
      section.blocks.push(...tablesOf(head, rows, options, roomOf(section, options)));
    } else if (line.trim() === "") close();
    else if (!options.referenceLinks || !definition.test(line)) block.push(line);
  }
  close();
  return sections;
}

/** Tables with the head of one: a table of each row, or tables as large as allowed. */
function tablesOf(
  head: string[],
  rows: readonly string[],
  options: MarkdownOptions,
  room: number,
): string[] {
  if (rows.length === 0) return [head.join("\n")];
  const tables: string[] = [];
  for (const row of rows) {
    const last = tables.at(-1);
    if (options.joinTableRows && last && lengthOf(last) + 1 + lengthOf(row) <= room) {
      tables[tables.length - 1] = `${last}\n${row}`;
    } else tables.push([...head, row].join("\n"));
  }
  return tables;
}

function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}

/** What every chunk of a section begins with. */
function titleOf({ headings }: Section, { headingHierarchy }: MarkdownOptions): string {
  return (headingHierarchy ? headings : headings.slice(-1)).map(({ text }) => text).join("\n");
}

/** Characters that a chunk has besides its title: half of its size at least, so that a long title cannot take all. */
function roomOf(section: Section, options: MarkdownOptions): number {
  const { size } = options;
  return Math.max(size - lengthOf(titleOf(section, options)) - 1, Math.ceil(size / 2));
}

function chunksOf(
  section: Section,
  targets: ReadonlyMap<string, string>,
  options: MarkdownOptions,
): string[] {
  const title = titleOf(section, options);
  const room = roomOf(section, options);
  const begin = (body: string) => (title === "" ? body : `${title}\n${body}`);
  const bodies: string[] = [];
  for (const block of section.blocks) {
    const text = linked(block, targets);
    const isTable = !options.joinTableRows && tableRule.test(text.split("\n")[1] ?? "");
    const last = bodies.at(-1);
    if (lengthOf(text) > room) {
      const separators = ["\n\n", "\n", " ", ""];
      const { overlap } = options;
      bodies.push(
        ...splitRecursively(text, {
          size: room,
          overlap: Math.min(overlap, room - 1),
          separators,
          keep: false,
        }),
      );
    } else if (last !== undefined && !isTable && lengthOf(last) + 2 + lengthOf(text) <= room) {
      bodies[bodies.length - 1] = `${last}\n\n${text}`;
    } else bodies.push(text);
  }
  if (bodies.length === 0) return title === "" ? [] : [title];
  return bodies.map(begin);
}

function linked(text: string, targets: ReadonlyMap<string, string>): string {
  if (targets.size === 0) return text;
  return text.replace(/\[([^[\]]+)\]\[([^[\]]*)\]/g, (whole, shown: string, name: string) => {
    const url = targets.get((name || shown).toLowerCase());
    return url === undefined ? whole : `[${shown}](${url})`;
  });
}
