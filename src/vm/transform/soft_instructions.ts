import type { ModuleText } from "./module_text.ts";

/** Bit of a CallInfo's status: a C function. */
const C_FUNCTION = 2;
/** As the end of luaV_execute does, it gives its 48 bytes of shadow stack back. */
const LEAVE = `(global.set $global$0 (i32.add (local.get $14) (i32.const 48))) (return)`;

/**
 * Errors of instructions without exceptions, where `error` raises softly, too (see `soft_errors.ts`): indexing a value
 * that is not a table, arithmetic on a value that is not a number, calling a value that is not a function. As an
 * exception each takes 13 to 25 µs in JavaScriptCore, which looks through the stack twice.
 *
 * `luaG_runerror` never returns, as C was told. Here it does, and so do the functions that lead to it, to the places
 * that have asked for that (`$may_raise_softly`) and return to `luaV_execute`. That leaves: behind a call as where a C
 * function has left, and else at the next instruction, since the frame has its trap set. Compiled code looks at the
 * trap as well.
 *
 * CallInfo: trap 20, callstatus 34; lua_State: status 6, allowhook 7, ci 20, nCcalls 96.
 */
export function addSoftInstructions(module: ModuleText): void {
  // The CallInfo whose instruction may raise softly.
  module.append(`(global $soft_at (mut i32) (i32.const 0))`);
  // A Lua function is running, with no C frame between it and its lua_resume. A hook runs in the frame of who it stops.
  module.append(`
 (func $may_raise_softly (param $L i32)
  (local $ci i32)
  (local.set $ci (i32.load offset=20 (local.get $L)))
  (global.set $soft_at
   (select (local.get $ci) (i32.const 0)
    (i32.and
     (i32.eq (i32.load offset=96 (local.get $L)) (global.get $base))
     (i32.and
      (i32.eqz
       (i32.or
        (i32.and (i32.load16_u offset=34 (local.get $ci)) (i32.const ${C_FUNCTION}))
        (global.get $marks_raises)))
      (i32.ne (i32.load8_u offset=7 (local.get $L)) (i32.const 0)))))))`);
  // In luaG_errormsg, the message on top: true when the error is noted, and what has raised it returns.
  module.append(`
 (func $raises_softly (param $L i32) (result i32)
  (local $ci i32)
  (local.set $ci (i32.load offset=20 (local.get $L)))
  (if
   (i32.or
    (i32.ne (local.get $ci) (global.get $soft_at))
    (i32.ne (i32.load offset=96 (local.get $L)) (global.get $base)))
   (then (return (i32.const 0))))
  (global.set $soft_at (i32.const 0))
  (i32.store offset=20 (local.get $ci) (i32.const 1))
  (drop (call $soft_raise_on (local.get $L)))
  (i32.const 1))`);
  const begin = `(if (global.get $marks_raises) (then (call $stop_at_raise (local.get $0))))`;
  module.change({
    name: "luaG_errormsg returns when the error is soft",
    inside: "luaG_errormsg",
    find: begin,
    put: `(if (call $raises_softly (local.get $0)) (then (return))) ${begin}`,
  });
  // What is thrown in between ends in another place.
  const buffer = `(local.tee $2 (i32.load offset=48 (local.get $0)))`;
  module.change({
    name: "luaD_throw ends what may raise softly",
    inside: "luaD_throw",
    find: buffer,
    put: `(block (result i32) (global.set $soft_at (i32.const 0)) ${buffer})`,
  });
  letReturn(module);
  addPlaces(module);

  const yielded = `(i32.eq (i32.load8_u offset=6 (local.get $0)) (i32.const 1))`;
  for (const [pc, times] of [["$1", 29], ["$3", 49]] as const) {
    const look = `(call $luaG_traceexec (local.get $0) (local.get ${pc}))`;
    module.change({
      name: "luaV_execute leaves before the next instruction",
      inside: "luaV_execute",
      find: look,
      put: `(block (result i32)
        (if ${yielded} (then ${LEAVE}))
        ${look})`,
      times,
    });
  }
}

/** Functions that end with an error: they return, and give their stack back. */
function letReturn(module: ModuleText): void {
  const frame = (local: string, bytes: number) =>
    `(global.set $global$0 (i32.add (local.get ${local}) (i32.const ${bytes})))`;
  const ends = [
    ["luaG_runerror", "(call $luaG_errormsg ?1)", frame("$4", 80)],
    ["typeerror", "(call $luaG_runerror ?1 ?2 ?3)", frame("$4", 16)],
    ["luaG_typeerror", "(call $typeerror ?1 ?2 ?3 ?4)", ""],
    ["luaG_opinterror", "(call $luaG_typeerror ?1 ?2 ?3)", ""],
    ["luaG_tointerror", "(call $luaG_runerror ?1 ?2 ?3)", frame("$3", 16)],
  ] as const;
  for (const [inside, call, end] of ends) {
    module.change({
      name: `${inside} returns`,
      inside,
      find: `${call} (unreachable)`,
      put: `${call} ${end}`,
    });
  }
  // It may do what raises another error before, so it asks itself.
  const call = "(call $typeerror ?1 ?2 ?3 ?4)";
  module.change({
    name: "luaD_tryfuncTM raises softly and returns",
    inside: "luaD_tryfuncTM",
    find: `${call} (unreachable)`,
    put: `(call $may_raise_softly (local.get $0)) ${call} ${frame("$2", 16)} (i32.const 0)`,
  });
}

/** The places that return to luaV_execute, or to a function that compiled code calls in its place. */
function addPlaces(module: ModuleText): void {
  const places = [
    ["luaV_finishget", "(call $luaG_typeerror ?1 ?2 ?3)", 1],
    ["luaV_finishset", "(call $luaG_typeerror ?1 ?2 ?3)", 1],
    ["luaT_trybinTM", "(call $luaG_opinterror ?1 ?2 ?3 ?4)", 2],
    ["luaT_trybinTM", "(call $luaG_tointerror ?1 ?2 ?3)", 1],
    // The C compiler has put luaT_trybinTM into it twice, for both orders of the operands.
    ["luaT_trybinassocTM", "(call $luaG_opinterror ?1 ?2 ?3 ?4)", 4],
    ["luaT_trybinassocTM", "(call $luaG_tointerror ?1 ?2 ?3)", 2],
  ] as const;
  for (const [inside, call, times] of places) {
    module.change({
      name: `${inside} raises softly`,
      inside,
      find: `${call} (unreachable)`,
      put: `(call $may_raise_softly (local.get $0)) ${call} (return)`,
      times,
    });
  }
  // It has put luaV_finishget into luaV_execute. What is left pays as it does behind one that returns.
  const index = `(call $luaG_typeerror ?1 ?2 (i32.const 1303))`;
  module.change({
    name: "luaV_execute raises softly",
    inside: "luaV_execute",
    find: `${index} (unreachable)`,
    put: `(call $may_raise_softly (local.get $0)) ${index}
      (drop (call $compiled_settle (local.get $0) (local.get $7)))
      ${LEAVE}`,
  });
  // Likewise luaD_pretailcall.
  module.change({
    name: "a tail call raises softly",
    inside: "luaV_execute",
    find: `(call $follow_call (local.get $0) (local.get $5))`,
    put: `(block (result i32)
      (local.set $5 (call $follow_call (local.get $0) (local.get $5)))
      (if (i32.eqz (local.get $5)) (then ${LEAVE}))
      (local.get $5))`,
  });
  module.change({
    name: "luaD_precall raises softly",
    inside: "luaD_precall",
    find: `(call $follow_call (local.get $0) (local.get $1))`,
    put: `(block (result i32)
      (local.set $1 (call $follow_call (local.get $0) (local.get $1)))
      (if (i32.eqz (local.get $1)) (then (return (i32.const 0))))
      (local.get $1))`,
  });
  module.change({
    name: "follow_call ends with the error",
    inside: "follow_call",
    find: `(local.set $func (call $luaD_tryfuncTM (local.get $L) (local.get $func)))`,
    put: `(local.set $func (call $luaD_tryfuncTM (local.get $L) (local.get $func)))
      (if (i32.eqz (local.get $func)) (then (return (i32.const 0))))`,
  });
}
