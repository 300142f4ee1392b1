import { explanation } from "./explanation.ts";
import { failureOf, type Reporter, type TestReport, title, type Write } from "./reporters.ts";

/** Text in an attribute or an element; XML 1.0 has no other control characters. */
function escape(text: string): string {
  // deno-lint-ignore no-control-regex -- these are what XML forbids
  return text.replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "\ufffd")
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;").replaceAll("\n", "&#10;");
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3);
}

function testCase(report: TestReport): string {
  const failure = failureOf(report);
  const head = `    <testcase name="${escape(title(report))}" classname="${
    escape(report.file)
  }" time="${seconds(report.duration)}"`;
  if (report.status === "pending") return `${head}><skipped/></testcase>\n`;
  if (!failure) return `${head}/>\n`;
  const text = escape(explanation(failure, report.seed));
  return `${head}><failure message="${escape(failure.message)}">${text}</failure></testcase>\n`;
}

/** JUnit XML, for continuous integration; written at the end. */
export function junit(write: Write): Reporter {
  const reports: TestReport[] = [];
  return {
    test: (report) => void reports.push(report),
    end({ failed, pending, duration }) {
      const suites = [...Map.groupBy(reports, ({ file }) => file)].map(([file, tests]) => {
        const of = (status: TestReport["status"]) =>
          tests.filter((test) => test.status === status).length;
        const time = tests.reduce((sum, test) => sum + test.duration, 0);
        return `  <testsuite name="${escape(file)}" tests="${tests.length}" failures="${
          of("failed")
        }" skipped="${of("pending")}" time="${seconds(time)}">\n${
          tests.map(testCase).join("")
        }  </testsuite>\n`;
      });
      const counts = `tests="${reports.length}" failures="${failed}" skipped="${pending}"`;
      write('<?xml version="1.0" encoding="UTF-8"?>\n');
      write(
        `<testsuites ${counts} time="${seconds(duration)}">\n${suites.join("")}</testsuites>\n`,
      );
    },
  };
}
