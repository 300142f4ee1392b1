import type { ModuleText } from "./module_text.ts";

/**
 * Lua's errors as WebAssembly exceptions. As shipped, emscripten builds setjmp and longjmp out
 * of JavaScript's exceptions: every protected call goes through an imported `invoke_vii`, and
 * every error through an imported `_emscripten_throw_longjmp`. Here both stay inside the module.
 */
export function addExceptions(module: ModuleText): void {
  module.append(`(tag $longjmp)`);
  module.append(`(export "longjmp" (tag $longjmp))`);
  module.changeField("import of invoke_vii", /^ \(import "env" "invoke_vii"/, () => "");
  module.changeField(
    "import of _emscripten_throw_longjmp",
    /^ \(import "env" "_emscripten_throw_longjmp"/,
    () => "",
  );
  module.replaceFunction(
    "emscripten_longjmp",
    `(func $emscripten_longjmp (param $jump_buffer i32) (param $value i32)
       (throw $longjmp))`,
  );
  // struct lua_longjmp { previous at 0; jmp_buf; status at 160 }, linked into L->errorJmp (48).
  // luaD_throw has written the status when the exception arrives. The innermost handler is the
  // right one: Lua never throws past the running thread's own. An exception of another kind
  // (JavaScript's) goes on, but leaves the stacks as it found them.
  module.replaceFunction(
    "luaD_rawrunprotected",
    `(func $luaD_rawrunprotected (param $L i32) (param $f i32) (param $ud i32) (result i32)
       (local $frame i32)
       (local $c_calls i32)
       (local.set $c_calls (i32.load offset=96 (local.get $L)))
       (local.set $frame (i32.sub (global.get $global$0) (i32.const 176)))
       (global.set $global$0 (local.get $frame))
       (i32.store (local.get $frame) (i32.load offset=48 (local.get $L)))
       (i32.store offset=160 (local.get $frame) (i32.const 0))
       (i32.store offset=48 (local.get $L) (local.get $frame))
       (try
         (do
           (call_indirect $0 (type $4) (local.get $L) (local.get $ud) (local.get $f)))
         (catch $longjmp)
         (catch_all
           (i32.store offset=48 (local.get $L) (i32.load (local.get $frame)))
           (i32.store offset=96 (local.get $L) (local.get $c_calls))
           (global.set $global$0 (i32.add (local.get $frame) (i32.const 176)))
           (rethrow 0)))
       (i32.store offset=48 (local.get $L) (i32.load (local.get $frame)))
       (i32.store offset=96 (local.get $L) (local.get $c_calls))
       (global.set $global$0 (i32.add (local.get $frame) (i32.const 176)))
       (i32.load offset=160 (local.get $frame)))`,
  );
}
