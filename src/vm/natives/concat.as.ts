// Concatenation of short strings and integers to a short string, as most keys and parts of texts are made: the text is
// written at once, where `luaV_concat` makes a string of each integer first.
import { integerLength, write_integer } from "./integer-text.as";
import { luaS_newlstr } from "./lua.as";
import {
  STATE_TOP,
  STRING_SHORT_LENGTH,
  STRING_TEXT,
  TAG_INTEGER,
  TAG_SHORT_STRING,
  VALUE_SIZE,
  VALUE_TAG,
} from "./layout.as";
import { JOINED } from "./memory.as";

// Bytes of the longest short string.
const LONGEST: u32 = 40;

// Puts the text of the values at the top in the place of the first, as `luaV_concat` does; false, and nothing is done,
// when that is not for here.
export function concat_short(L: usize, count: u32): bool {
  const top = load<usize>(L + STATE_TOP);
  const first = top - count * VALUE_SIZE;
  let length: u32 = 0;
  for (let at = first; at < top; at += VALUE_SIZE) {
    const tag = load<u8>(at + VALUE_TAG);
    if (tag === TAG_SHORT_STRING) length += load<u8>(load<usize>(at) + STRING_SHORT_LENGTH);
    else if (tag === TAG_INTEGER) length += integerLength(load<i64>(at));
    else return false;
    if (length > LONGEST) return false;
  }
  let out = JOINED;
  for (let at = first; at < top; at += VALUE_SIZE) {
    if (load<u8>(at + VALUE_TAG) === TAG_SHORT_STRING) {
      const text = load<usize>(at);
      const bytes = load<u8>(text + STRING_SHORT_LENGTH);
      // In words: there is room behind the text here, and it is memory behind the text there.
      for (let i: usize = 0; i < bytes; i += 8) {
        store<u64>(out + i, load<u64>(text + STRING_TEXT + i));
      }
      out += bytes;
    } else {
      out += write_integer(out, load<i64>(at));
    }
  }
  const text = luaS_newlstr(L, JOINED, length);
  store<u32>(first, <u32> text);
  store<u8>(first + VALUE_TAG, TAG_SHORT_STRING);
  store<usize>(L + STATE_TOP, first + VALUE_SIZE);
  return true;
}
