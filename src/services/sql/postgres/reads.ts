import { tokensOf } from "../text.ts";

/** What may stand before a parenthesis: words of SQL, and functions that only compute. */
const beforeParenthesis = new Set([
  ..."SELECT AS FROM JOIN LATERAL ON USING WHERE AND OR NOT IN ANY ALL SOME EXISTS BETWEEN LIKE ILIKE"
    .split(" "),
  ..."CASE WHEN THEN ELSE BY HAVING VALUES UNION INTERSECT EXCEPT DISTINCT LIMIT OFFSET FILTER OVER"
    .split(" "),
  ..."ARRAY ROW CAST VARCHAR CHAR NUMERIC DECIMAL COALESCE NULLIF GREATEST LEAST COUNT SUM MIN MAX AVG"
    .split(" "),
  ..."BOOL_AND BOOL_OR LOWER UPPER LENGTH TRIM CONCAT ABS ROUND FLOOR CEIL".split(" "),
]);

const word = /^[A-Za-z_]\w*$/;

/**
 * Whether a text is one SELECT that reads rows and computes, as far as its words tell: it calls no function that may
 * have effects or wait, and takes no locks of rows. It may run twice, and between others.
 */
export function isPlainRead(sql: string): boolean {
  const tokens = tokensOf(sql, "postgres").filter((token) => !/^(?:--|\/\*)/.test(token));
  if (tokens[0]?.toUpperCase() !== "SELECT") return false;
  return tokens.every((token, at) => {
    if (token === ";") return at === tokens.length - 1;
    const upper = token.toUpperCase();
    if (upper === "FOR" || upper === "INTO") return false;
    const before = tokens[at - 1] ?? "";
    if (token !== "(") return true;
    if (before.startsWith('"')) return false;
    return !word.test(before) ||
      tokens[at - 2] !== "." && beforeParenthesis.has(before.toUpperCase());
  });
}
