import { covered, type FileCoverage, uncovered } from "../coverage/coverage.ts";

function percent(part: number, whole: number): string {
  return `${(whole === 0 ? 100 : Math.floor((part * 1000) / whole) / 10).toFixed(1)}%`;
}

/** The coverage of files as lines of a table, with all of them at the end. */
export function coverageTable(files: readonly FileCoverage[]): string[] {
  const sum = (of: (file: FileCoverage) => number) =>
    files.reduce((total, file) => total + of(file), 0);
  const row = (name: string, part: number, whole: number, missing: string) => [
    name,
    `${part} of ${whole}`,
    percent(part, whole),
    missing,
  ];
  const rows = [
    ["File", "Lines", "Covered", "Not covered"],
    ...files.map((file) => row(file.file, covered(file), file.lines.length, uncovered(file))),
    row("All files", sum(covered), sum(({ lines }) => lines.length), ""),
  ];
  const widths = [0, 1, 2].map((at) => Math.max(...rows.map((cells) => cells[at]!.length)));
  return rows.map(([name = "", lines = "", share = "", missing = ""]) =>
    `${name.padEnd(widths[0]!)}  ${lines.padStart(widths[1]!)}  ${
      share.padStart(widths[2]!)
    }  ${missing}`
      .trimEnd()
  );
}
