import type { ModuleText } from "./module_text.ts";

/**
 * Soft yields: a yield with no C frame between it and its `lua_resume` returns instead of
 * throwing. As shipped every yield is a longjmp, which is an exception, which costs 18-22 µs in
 * JavaScriptCore; returning costs 0.2 µs. In C terms:
 *
 * - `lua_resume` remembers `L->nCcalls` in `$base`. Every C frame that calls back into Lua
 *   raises `nCcalls`, so `nCcalls == $base` says that there is none.
 * - `lua_yieldk` then returns 0 instead of throwing; `L->status` is LUA_YIELD already.
 * - Whoever called the C function that yielded (precallC), or its continuation (`resume` and
 *   finishCcall, which the compiler put into `unroll`), leaves without finishing the call.
 * - `luaV_execute` and `unroll` leave too, and `lua_resume` reports LUA_YIELD.
 */
export function addSoftYields(module: ModuleText): void {
  module.append(`(global $base (mut i32) (i32.const -1))`);
  // True when the coroutine in local 0 has yielded softly.
  const yielded = `(i32.eq (i32.load8_u offset=6 (local.get $0)) (i32.const 1))`;

  module.change({
    name: "lua_yieldk returns when no C frame is between",
    inside: "lua_yieldk",
    find: `(call $luaD_throw (local.get $0) (i32.const 1))`,
    put: `(if (i32.eq (i32.load offset=96 (local.get $0)) (global.get $base))
            (then (return (i32.const 0))))
          (call $luaD_throw (local.get $0) (i32.const 1))`,
  });

  module.change({
    name: "precallC does not finish a call that yielded",
    inside: "precallC",
    find: `(call_indirect $0 (type $0) (local.get $0) (local.get $3))`,
    put: `(block (result i32)
            (local.set $3 (call_indirect $0 (type $0) (local.get $0) (local.get $3)))
            (if ${yielded} (then (return (i32.const 0))))
            (local.get $3))`,
  });
  module.change({
    name: "resume does not finish a continuation that yielded",
    inside: "resume",
    find: `(call_indirect $0 (type $2)
            (local.get $0) (i32.const 1) (i32.load offset=24 (local.get $2)) (local.get $1))`,
    put: `(block (result i32)
            (local.set $3 (call_indirect $0 (type $2)
              (local.get $0) (i32.const 1) (i32.load offset=24 (local.get $2)) (local.get $1)))
            (if ${yielded} (then (return)))
            (local.get $3))`,
  });
  module.change({
    name: "unroll does not finish a continuation that yielded",
    inside: "unroll",
    find: `(call_indirect $0 (type $2)
            (local.get $0) (local.get $4)
            (i32.load offset=24 (local.get $1)) (i32.load offset=16 (local.get $1)))`,
    put: `(block (result i32)
            (local.set $4 (call_indirect $0 (type $2)
              (local.get $0) (local.get $4)
              (i32.load offset=24 (local.get $1)) (i32.load offset=16 (local.get $1))))
            (if ${yielded} (then (return)))
            (local.get $4))`,
  });
  module.change({
    name: "unroll leaves when Lua code yielded",
    inside: "unroll",
    find: `(call $luaV_execute (local.get $0) (local.get $1))`,
    put: `(call $luaV_execute (local.get $0) (local.get $1))
          (if ${yielded} (then (return)))`,
  });
  module.change({
    name: "resume leaves when Lua code that a hook had stopped yielded",
    inside: "resume",
    find: `(call $luaV_execute (local.get $0) (local.get $2))`,
    put: `(call $luaV_execute (local.get $0) (local.get $2))
          (if ${yielded} (then (return)))`,
  });

  // As the function's ordinary return does, it gives its 48 bytes of shadow stack back.
  const leave = `(if ${yielded}
    (then
      (global.set $global$0 (i32.add (local.get $14) (i32.const 48)))
      (return)))`;
  module.change({
    name: "luaV_execute leaves at OP_CALL",
    inside: "luaV_execute",
    find: `(br_if ?startfunc
            (local.tee $1
              (call $luaD_precall (local.get $0) (local.get $2)
                (i32.sub (i32.shr_u (local.get $1) (i32.const 24)) (i32.const 1)))))`,
    put: `(br_if ?startfunc
            (local.tee $1
              (call $luaD_precall (local.get $0) (local.get $2)
                (i32.sub (i32.shr_u (local.get $1) (i32.const 24)) (i32.const 1)))))
          ${leave}`,
  });
  // Before "ci->func -= delta": the OP_RETURN behind a tail call does that once more.
  module.change({
    name: "luaV_execute leaves at OP_TAILCALL",
    inside: "luaV_execute",
    find: `(i32.store (local.get $7)
            (i32.sub (i32.load (local.get $7)) (i32.shl (local.get $4) (i32.const 4))))
          (call $luaD_poscall (local.get $0) (local.get $7) (local.get $1))`,
    put: `${leave}
          (i32.store (local.get $7)
            (i32.sub (i32.load (local.get $7)) (i32.shl (local.get $4) (i32.const 4))))
          (call $luaD_poscall (local.get $0) (local.get $7) (local.get $1))`,
  });

  module.change({
    name: "lua_resume remembers the base",
    inside: "lua_resume",
    find: `(i32.store offset=96 (local.get $0) (i32.add (local.get $1) (i32.const 1)))`,
    put: `(i32.store offset=96 (local.get $0) (i32.add (local.get $1) (i32.const 1)))
          (global.set $base (i32.load offset=96 (local.get $0)))`,
  });
  module.change({
    name: "lua_resume reports a soft yield",
    inside: "lua_resume",
    find: `(br_if $block8 (i32.eq (local.get $1) (i32.const 1)))`,
    put: `(if (i32.and (i32.eqz (local.get $1)) ${yielded})
            (then (local.set $1 (i32.const 1))))
          (br_if $block8 (i32.eq (local.get $1) (i32.const 1)))`,
  });
  // The outer resume's base waits in the four bytes of the frame that the function leaves unused.
  module.change({
    name: "lua_resume keeps the outer base",
    inside: "lua_resume",
    find: `(i32.store offset=12 (local.get $5) (local.get $2))`,
    put: `(i32.store offset=12 (local.get $5) (local.get $2))
          (i32.store offset=8 (local.get $5) (global.get $base))`,
  });
  module.change({
    name: "lua_resume restores the outer base",
    inside: "lua_resume",
    find: `(global.set $global$0 (i32.add (local.get $5) (i32.const 16)))`,
    put: `(global.set $base (i32.load offset=8 (local.get $5)))
          (global.set $global$0 (i32.add (local.get $5) (i32.const 16)))`,
  });
}
