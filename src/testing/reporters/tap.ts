import { stringify } from "yaml";
import { coverageTable } from "./coverage-table.ts";
import { explanation } from "./explanation.ts";
import { failureOf, type Reporter, title, type Write } from "./reporters.ts";

/** Text that a TAP description may hold: `#` begins a directive. */
function description(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("#", "\\#").replace(/[\r\n]+/g, " ");
}

/** TAP 14, https://testanything.org */
export function tap(write: Write): Reporter {
  let count = 0;
  write("TAP version 14\n");
  return {
    test(report) {
      count++;
      const name = description(`${report.file}: ${title(report)}`);
      const failed = report.status === "failed";
      write(
        `${failed ? "not ok" : "ok"} ${count} - ${name}${
          report.status === "pending" ? " # TODO" : ""
        }\n`,
      );
      const failure = failureOf(report);
      if (!failure) return;
      const text = stringify({ message: explanation(failure, report.seed), seed: report.seed });
      write(`  ---\n${text.trimEnd().split("\n").map((line) => `  ${line}`).join("\n")}\n  ...\n`);
    },
    end({ coverage }) {
      write(`1..${count}\n`);
      for (const line of coverage ? coverageTable(coverage) : []) write(`# ${line}\n`);
    },
  };
}
