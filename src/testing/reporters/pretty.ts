import { styleText } from "node:util";
import { clean, oneLine, withControls } from "../../observe/clean.ts";
import { fieldsText } from "../../observe/console.ts";
import type { LogRecord } from "../../observe/log.ts";
import { coverageTable } from "./coverage-table.ts";
import { explain, type ExplainedLine } from "./explanation.ts";
import { failureOf, type Reporter, type TestReport, title, type Write } from "./reporters.ts";

type Style = Parameters<typeof styleText>[0];

const styles: Readonly<Record<ExplainedLine["kind"], Style>> = {
  message: "red",
  expected: "red",
  actual: "green",
  same: "gray",
  place: "gray",
  note: "yellow",
};

/** Most log records that a failed test shows. */
const mostLogs = 20;

/** A record without what is the same for all of a test. */
function logLine(record: LogRecord): string {
  if (record.print !== undefined) return `print: ${oneLine(record.message)}`;
  const { pid: _, location: __, ...fields } = record.fields;
  const words = [record.level, record.logger, record.message].filter((word) => word !== "");
  return `log: ${words.map(oneLine).join(" ")}${fieldsText({ fields }, " ")}`;
}

/** For people: a line for each test, by file, and the failures again at the end. */
export function pretty(write: Write, colour: boolean): Reporter {
  const failures: TestReport[] = [];
  let file = "";
  const paint = (style: Style, text: string) =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const line = (text: string) => write(colour ? withControls(`${text}\n`) : `${text}\n`);

  function explainFailure(report: TestReport): void {
    const { outcome, seed } = report;
    const failure = failureOf(report);
    if (!failure) return;
    line(`\n${paint("bold", `${oneLine(report.file)}: ${oneLine(title(report))}`)}`);
    for (const { text, kind } of explain(failure, seed)) {
      line(`    ${paint(styles[kind], clean(text).replaceAll("\n", "\n    "))}`);
    }
    const logs = outcome?.logs ?? [];
    if (logs.length > mostLogs) {
      line(`    ${paint("gray", `… ${logs.length - mostLogs} earlier log records`)}`);
    }
    for (const record of logs.slice(-mostLogs)) line(`    ${paint("gray", logLine(record))}`);
  }

  return {
    test(report) {
      if (report.file !== file) {
        if (file !== "") line("");
        file = report.file;
        line(oneLine(file));
      }
      const { crashes = 0 } = report.outcome ?? {};
      const marks = {
        passed: paint("green", "ok  "),
        failed: paint("red", "FAIL"),
        pending: paint("yellow", "todo"),
      };
      const crashed = crashes > 0 ? paint("gray", ` (${crashes} crashes)`) : "";
      line(`  ${marks[report.status]} ${oneLine(title(report))}${crashed}`);
      if (report.status === "failed") failures.push(report);
    },
    end({ passed, failed, pending, duration, coverage }) {
      for (const report of failures) explainFailure(report);
      const parts = [
        paint(passed > 0 ? "green" : "gray", `${passed} passed`),
        paint(failed > 0 ? "red" : "gray", `${failed} failed`),
        ...(pending > 0 ? [paint("yellow", `${pending} pending`)] : []),
      ];
      line(`\n${parts.join(", ")} in ${(duration / 1000).toFixed(2)} s`);
      if (coverage) line("");
      for (const row of coverage ? coverageTable(coverage) : []) line(oneLine(row));
    },
  };
}
