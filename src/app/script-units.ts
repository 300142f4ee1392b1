/** The global tables in which a script defines its units, and the kind of entry that each makes. */
export const unitTables = {
  functions: "function.lua",
  processes: "process.lua",
  workflows: "workflow.lua",
} as const;

/** One of the tables. */
export type UnitTable = keyof typeof unitTables;

/** Names of the units that a script defines, by table. */
export type ScriptUnits = Record<UnitTable, string[]>;

const commentsAndTexts =
  /--\[(=*)\[[^]*?\]\1\]|--[^\n]*|\[(=*)\[[^]*?\]\2\]|"(?:\\[^]|[^"\\\n])*"|'(?:\\[^]|[^'\\\n])*'/g;

/** The code without comments and texts. */
function bareCode(code: string): string {
  return code.replace(commentsAndTexts, (found) => found.startsWith("--") ? " " : "''");
}

/** The code without comments, texts, and what stands inside round and curly brackets. */
function statements(code: string): string {
  const bare = bareCode(code);
  let depth = 0;
  let kept = "";
  for (const char of bare) {
    if (char === ")" || char === "}") depth = Math.max(0, depth - 1);
    if (depth === 0) kept += char;
    if (char === "(" || char === "{") depth++;
  }
  return kept;
}

/**
 * Whether a script assigns to one of the tables `functions`, `processes`, `workflows`, and so defines units
 * besides itself. This is asked of the text, before anything runs: the body of a plain script is its main,
 * and runs once; the body of the other kind only defines, and runs in every unit. A local variable of
 * the name is the script's own.
 *
 * @param code Lua, without a `#!` line
 */
export function definesUnits(code: string): boolean {
  // To read the code takes longer, and most scripts do not even name one.
  if (!Object.keys(unitTables).some((table) => code.includes(table))) return false;
  const text = statements(code);
  return Object.keys(unitTables).some((table) => {
    if (new RegExp(`\\b(?:local|for)\\s+(?:[\\w<>]+\\s*,\\s*)*${table}\\b`).test(text)) {
      return false;
    }
    return new RegExp(
      `\\bfunction\\s+${table}\\s*\\.|` +
        `(?<![.:]\\s*)\\b${table}\\s*(?:(?:\\.\\s*\\w+|\\[[^\\]]*\\])\\s*=(?!=)|=\\s*\\{)`,
    ).test(text);
  });
}

/**
 * Whether a plain script defines a global function `main` that it never mentions again, so that it cannot have called
 * it: what the user means is that it is called.
 *
 * @param code Lua, without a `#!` line
 */
export function definesUncalledMain(code: string): boolean {
  if (!code.includes("main")) return false;
  const text = bareCode(code);
  if ((text.match(/\bmain\b/g) ?? []).length !== 1) return false;
  return /(?<!\blocal\s+)\bfunction\s+main\s*\(|(?<![.:]\s*|\blocal\s+)\bmain\s*=\s*function\b/
    .test(text);
}
