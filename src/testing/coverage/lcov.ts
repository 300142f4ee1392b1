import { covered, type FileCoverage } from "./coverage.ts";

/** Coverage in the format of lcov's trace files, as editors and services read it. */
export function lcov(files: readonly FileCoverage[]): string {
  return files.map((file) => {
    const counts = file.lines.map(([line, count]) => `DA:${line},${count}\n`).join("");
    const totals = `LF:${file.lines.length}\nLH:${covered(file)}\n`;
    return `TN:\nSF:${file.file}\n${counts}${totals}end_of_record\n`;
  }).join("");
}
