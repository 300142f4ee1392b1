const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** A letter whose other case is several letters (`ß`) stays. What is no UTF-8 is mapped where it is ASCII. */
function mapped(bytes: Uint8Array, letters: RegExp, map: (letter: string) => string): Uint8Array {
  const single = (letter: string) => {
    const other = map(letter);
    return other.length === String.fromCodePoint(other.codePointAt(0) ?? 0).length ? other : letter;
  };
  const text = decoded(bytes);
  if (text !== undefined) return encoder.encode(text.replaceAll(letters, single));
  const latin = Buffer.from(bytes).toString("latin1");
  const ascii = latin.replaceAll(letters, (letter) => letter > "\x7f" ? letter : map(letter));
  return Buffer.from(ascii, "latin1");
}

/** A text of UTF-8 in upper case, letter by letter. */
export function upperCase(bytes: Uint8Array): Uint8Array {
  return mapped(bytes, /[a-z]|\P{ASCII}/gu, (letter) => letter.toUpperCase());
}

/** A text of UTF-8 in lower case, letter by letter. */
export function lowerCase(bytes: Uint8Array): Uint8Array {
  return mapped(bytes, /[A-Z]|\P{ASCII}/gu, (letter) => letter.toLowerCase());
}
