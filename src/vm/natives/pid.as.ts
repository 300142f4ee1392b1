// The text of a PID.
import {
  COLLECTABLE,
  OBJECT_TAG,
  STATE_TOP,
  STRING_LONG_LENGTH,
  STRING_SHORT_LENGTH,
  STRING_TEXT,
  TAG_INTEGER,
  TAG_LONG_STRING,
  TAG_SHORT_STRING,
  VALUE_SIZE,
} from "./layout.as";
import { luaS_newlstr } from "./lua.as";
import { FIRST_MAP } from "./memory.as";
import { argument, collect, setTag, tagOf } from "./values.as";

export const SECRET: usize = 8;
const LEAST_DIGITS: u32 = 5;
const MOST_DIGITS: u32 = 16;
const BRACE: u8 = 125;
// Bytes of the first map, where the text is made.
const ROOM: usize = 256;

// The text that `host.pid_text` makes of a short and a long string and two numbers: its address, or 0. Whoever asks
// puts it where the collector finds it.
export function pidText(L: usize, prefix: usize, source: usize, at: u32, number: u64): usize {
  const length = <usize> load<u8>(prefix + STRING_SHORT_LENGTH);
  const from = at - 1;
  if (from + SECRET > load<u32>(source + STRING_LONG_LENGTH)) return 0;
  let rest = number;
  let digits = LEAST_DIGITS;
  while (digits < MOST_DIGITS && rest >> (digits << 2)) digits++;
  const size = length + SECRET + digits + 1;
  if (size > ROOM) return 0;
  memory.copy(FIRST_MAP, prefix + STRING_TEXT, length);
  memory.copy(FIRST_MAP + length, source + STRING_TEXT + from, SECRET);
  const last = FIRST_MAP + size - 1;
  for (let i: usize = 1; i <= digits; i++, rest >>= 4) {
    const digit = <u8> (rest & 15);
    store<u8>(last - i, digit < 10 ? 48 + digit : 87 + digit);
  }
  store<u8>(last, BRACE);
  return luaS_newlstr(L, FIRST_MAP, size);
}

// host.pid_text(prefix, secrets, at, number) -> the prefix, eight characters of the secrets from `at` on, the number in
// five hexadecimal digits at least and a brace; nothing where that is too long.
export function host_pid_text(L: usize): i32 {
  const base = argument(L, 1);
  const secrets = base + VALUE_SIZE;
  const at = base + 2 * VALUE_SIZE;
  const number = base + 3 * VALUE_SIZE;
  if (
    load<usize>(L + STATE_TOP) <= number || tagOf(base) !== TAG_SHORT_STRING ||
    tagOf(secrets) !== TAG_LONG_STRING || tagOf(at) !== TAG_INTEGER || tagOf(number) !== TAG_INTEGER
  ) return 0;
  const text = pidText(
    L,
    load<usize>(base),
    load<usize>(secrets),
    load<u32>(at),
    load<u64>(number),
  );
  if (!text) return 0;
  store<usize>(base, text);
  setTag(base, load<u8>(text + OBJECT_TAG) | COLLECTABLE);
  store<usize>(L + STATE_TOP, base + VALUE_SIZE);
  collect(L);
  return 1;
}
