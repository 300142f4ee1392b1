import { firstKib } from "../first-kib.ts";
import type { ModuleText } from "./module_text.ts";

/** Metamethods in a row that a call may go through, as in Lua 5.5. */
const LONGEST = 15;
const MESSAGE_TEXT = "'__call' chain too long; possible loop";

/**
 * A table whose `__call` is a table is called through that one's `__call`, and so on. Lua 5.4 follows such
 * a chain for as long as the stack holds, moving all arguments at each step: a table that is its own
 * `__call` takes hours, inside one instruction. Lua 5.5 raises an error; so does this.
 */
export function limitCallChains(module: ModuleText): void {
  module.append(`(global $call_chain (mut i32) (i32.const 0))`);
  module.append(`(data (i32.const ${firstKib.callChainText.address}) "${MESSAGE_TEXT}\\00")`);
  module.change({
    name: "luaD_precall follows __call",
    inside: "luaD_precall",
    find: `(call $luaD_tryfuncTM (local.get $0) (local.get $1))`,
    put: `(call $follow_call (local.get $0) (local.get $1))`,
  });
  // The C compiler has put luaD_pretailcall into it.
  module.change({
    name: "a tail call follows __call",
    inside: "luaV_execute",
    find: `(call $luaD_tryfuncTM (local.get $0) (local.get $5))`,
    put: `(call $follow_call (local.get $0) (local.get $5))`,
  });
  // The count begins anew where the metamethod is a function (type 6 in a tag's low four bits), and where
  // there is none, which raises.
  module.append(`
 (func $follow_call (param $L i32) (param $func i32) (result i32)
  (local $length i32)
  (local.set $length (i32.add (global.get $call_chain) (i32.const 1)))
  (global.set $call_chain (i32.const 0))
  (if (i32.gt_s (local.get $length) (i32.const ${LONGEST}))
   (then (call $luaG_runerror (local.get $L) (i32.const ${firstKib.callChainText.address}) (i32.const 0))))
  (local.set $func (call $luaD_tryfuncTM (local.get $L) (local.get $func)))
  (if
   (i32.ne
    (i32.and (i32.load8_u offset=8 (local.get $func)) (i32.const 15))
    (i32.const 6))
   (then (global.set $call_chain (local.get $length))))
  (local.get $func))`);
}
