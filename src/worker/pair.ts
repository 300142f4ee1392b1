import { WippyError } from "../vm/error.ts";
import { type LuaValue, MultiReturn } from "../vm/value.ts";

/** The results of synchronous host functions in Lua: `value, nil` or `nil, err`. */
export function pair(run: () => LuaValue): MultiReturn {
  try {
    return new MultiReturn([run(), undefined]);
  } catch (error) {
    return new MultiReturn([undefined, WippyError.from(error)]);
  }
}
