/**
 * Splits a command at its blanks, as no shell does: quotes of both kinds hold a part together, nothing is escaped or
 * expanded, and empty parts vanish.
 *
 * @example
 * ```ts
 * splitCommand(`git commit -m 'a b' ""`); // ["git", "commit", "-m", "a b"]
 * ```
 */
export function splitCommand(command: string): string[] {
  const words: string[] = [];
  let word = "";
  let quote = "";
  for (const character of command) {
    if (quote !== "") {
      if (character === quote) quote = "";
      else word += character;
    } else if (character === "'" || character === '"') quote = character;
    else if (character !== " ") word += character;
    else if (word !== "") {
      words.push(word);
      word = "";
    }
  }
  if (word !== "") words.push(word);
  return words;
}
