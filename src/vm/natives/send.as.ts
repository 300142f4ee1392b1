// Sending, as most programs do.
import { STATE_TOP, TAG_NIL, TAG_SHORT_STRING, TAG_TRUE, VALUE_SIZE } from "./layout.as";
import { sendAcross } from "./across.as";
import { instead, send } from "./mailbox.as";
import { argument, setTag, tagOf } from "./values.as";

// process.send(dest, topic) and process.send(dest, topic, value), bound to that in Lua.
export function host_send(L: usize): i32 {
  const base = argument(L, 1);
  const given = load<usize>(L + STATE_TOP) - base;
  if (
    given > 3 * VALUE_SIZE || given < 2 * VALUE_SIZE || tagOf(base) !== TAG_SHORT_STRING ||
    tagOf(base + VALUE_SIZE) !== TAG_SHORT_STRING
  ) return instead(L, base);
  const empty = given < 3 * VALUE_SIZE;
  if (!send(L, base, empty) && (empty || !sendAcross(base))) return instead(L, base);
  // The stack may have moved.
  const result = argument(L, 1);
  setTag(result, TAG_TRUE);
  setTag(result + VALUE_SIZE, TAG_NIL);
  store<usize>(L + STATE_TOP, result + 2 * VALUE_SIZE);
  return 2;
}
