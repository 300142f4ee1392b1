/**
 * What can be seen in a text of SQL without its grammar: where statements end, and their words.
 * @module
 */
import { BoundedMap } from "../../platform/bounded-map.ts";
import { WippyError } from "../../vm/error.ts";
import type { Driver, Statement } from "./driver.ts";

/** Literals and quoted names of SQLite. */
export const sqliteQuoted = String
  .raw`'(?:[^']|'')*'|"(?:[^"]|"")*"|${"`"}(?:[^${"`"}]|${"``"})*${"`"}|\[[^\]]*\]`;

const common = String.raw`--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|[A-Za-z_]\w*|;|\S`;
const tokens: Record<Driver["type"], RegExp> = {
  sqlite: new RegExp(`${sqliteQuoted}|${common}`, "g"),
  postgres: new RegExp(
    String
      .raw`\$(\w*)\$[\s\S]*?\$\1\$|[eE]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|${common}`,
    "g",
  ),
  mysql: new RegExp(
    String
      .raw`\/\*M?!\d*|'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|""|\\.)*"|${"`"}(?:[^${"`"}]|${"``"})*${"`"}|#[^\n]*|${common}`,
    "gs",
  ),
};

/** The words, literals, quoted names, comments and signs of a text. */
export function tokensOf(sql: string, type: Driver["type"]): string[] {
  return sql.match(tokens[type]) ?? [];
}

/** The words of each statement in a text, in upper case; literals, quoted names and comments have none. */
function wordsOf(sql: string, type: Driver["type"]): string[][] {
  const statements: string[][] = [];
  let current: string[] | undefined;
  for (const token of tokensOf(sql, type)) {
    if (token === ";") current = undefined;
    else if (!/^(?:--|\/\*)/.test(token) && !(type === "mysql" && token[0] === "#")) {
      if (!current) statements.push(current = []);
      if (/^[A-Za-z_]\w*$/.test(token)) current.push(token.toUpperCase());
    }
  }
  return statements;
}

const transactional = /^(?:BEGIN|START|COMMIT|END|ROLLBACK|SAVEPOINT|RELEASE|ABORT)$/;

function refuse(kind: "Invalid" | "PermissionDenied", message: string): never {
  throw new WippyError(kind, message, { retryable: false });
}

function hasBody([first, ...words]: string[]): boolean {
  const what = words.find((word) =>
    !/^(?:OR|REPLACE|TEMP|TEMPORARY|DEFINER|AGGREGATE)$/.test(word)
  );
  return first === "CREATE" && /^(?:TRIGGER|PROCEDURE|FUNCTION|EVENT)$/.test(what ?? "");
}

/**
 * Checks that a text leaves alone what the connections of a pool rely on: transactions belong to `db:begin`, and SQLite
 * opens no other file, as the entry alone decides about files.
 *
 * @returns how many statements it has
 * @throws WippyError Invalid, PermissionDenied
 */
function checkText(sql: string, type: Driver["type"]): number {
  const statements = wordsOf(sql, type);
  let count = 0;
  if (statements.length === 0) refuse("Invalid", "the statement is empty");
  let inBody = false;
  for (const words of statements) {
    const [word = ""] = words;
    if (inBody) {
      // MySQL, which has blocks in blocks there, takes all that follows for the body, too.
      inBody = type === "mysql" || word !== "END";
      continue;
    }
    count += 1;
    // A trigger or routine has statements of its own, and ends with END.
    inBody = hasBody(words);
    if (transactional.test(word)) {
      const instead = "use db:begin and the methods of the transaction";
      refuse("Invalid", `${word} is not run as a statement; ${instead}`);
    }
  }
  if (type !== "sqlite") return count;
  for (const words of statements) {
    if (words[0] === "ATTACH" || words[0] === "VACUUM" && words.includes("INTO")) {
      const what = words[0] === "ATTACH" ? "ATTACH" : "VACUUM INTO";
      refuse("PermissionDenied", `${what} is not allowed: a database entry opens one file`);
    }
  }
  return count;
}

/** Texts whose check is remembered, by type: programs run few, often. */
const remembered = 500;
const checked: Record<Driver["type"], Map<string, number>> = {
  sqlite: new BoundedMap(remembered),
  postgres: new BoundedMap(remembered),
  mysql: new BoundedMap(remembered),
};

/** As {@link checkText}. */
function countStatements(sql: string, type: Driver["type"]): number {
  const known = checked[type];
  const present = known.get(sql);
  if (present !== undefined) return present;
  const count = checkText(sql, type);
  known.set(sql, count);
  return count;
}

/**
 * Checks the text of a statement of a program (see {@link checkText}), and that there is one statement in it unless
 * several are executed without parameters.
 *
 * @returns whether there are several
 * @throws WippyError Invalid, PermissionDenied
 */
export function checkStatement(
  { kind, sql, params }: Pick<Statement, "kind" | "sql" | "params">,
  type: Driver["type"],
): boolean {
  const several = countStatements(sql, type) > 1;
  if (!several || kind === "execute" && params.length === 0) return several;
  return refuse(
    "Invalid",
    kind === "execute"
      ? "several statements at once take no parameters; execute them one by one"
      : "one statement is expected, not several; execute them one by one",
  );
}
