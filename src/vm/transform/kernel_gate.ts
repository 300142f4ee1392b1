import { firstKib } from "../first-kib.ts";
import type { ModuleText } from "./module_text.ts";

/** Slots of Lua's stack, at most, those that the kernel's functions need, and how often each argument may be copied. */
const STACK_SLOTS = 1_000_000;
const KERNEL_SLOTS = 10_000;
const COPIES = 16;
/** Calls from C into Lua in each other, at most, and those that the kernel's functions need. */
const C_LEVELS = 200;
const KERNEL_C_LEVELS = 40;
/** What the name of the kernel's chunks begins with: "=lua" as a little-endian number, and "/". */
const NAME = 0x61756c3d;
const SLASH = 0x2f;

/**
 * The gate between applications and the kernel. Functions of the kernel run on the stack, at the depth and in the
 * memory of whoever calls them. Were there an error between two halves of a change, other units would suffer: a
 * receiver taken out of a channel and never woken, say. So whenever code of an application calls a Lua function of
 * the kernel, in whatever way (a method, a metamethod, an iterator, through `pcall`), it is made sure first that
 * there is room; else the call fails as one of Lua itself would, before anything has changed.
 *
 * This is where a Lua function begins; CallInfo: func 0, previous 8, savedpc 16; closure: proto 12; proto: code 52,
 * source 76; the text of a TString is at 16.
 */
export function addKernelGate(module: ModuleText): void {
  module.append(`(data (i32.const ${firstKib.stackText.address}) "stack overflow\\00")`);
  module.append(`(data (i32.const ${firstKib.callLevelsText.address}) "C stack overflow\\00")`);
  module.change({
    name: "luaV_execute enters the kernel",
    inside: "luaV_execute",
    find: `(local.set $3 (i32.load offset=112 (local.get $0)))`,
    put: `(if
       (i32.eq
        (i32.load offset=16
         (i32.load offset=76
          (i32.load offset=12 (i32.load (i32.load (i32.load offset=20 (local.get $0)))))))
        (i32.const ${NAME}))
       (then (call $enter_kernel (local.get $0))))
      (local.set $3 (i32.load offset=112 (local.get $0)))`,
  });

  // Whether the Lua function that runs, or that called the C function that runs, is the kernel's. While the stack is
  // moved, a CallInfo holds offsets in place of addresses, which are all below the stack itself.
  module.append(`
 (func $runs_kernel_code (param $L i32) (param $ci i32) (result i32)
  (local $func i32)
  (local $text i32)
  (loop $up
   (if (i32.eqz (local.get $ci)) (then (return (i32.const 0))))
   (local.set $func (i32.load (local.get $ci)))
   (if (i32.lt_u (local.get $func) (i32.load offset=28 (local.get $L)))
    (then
     (local.set $func (i32.add (local.get $func) (i32.load offset=28 (local.get $L))))))
   (local.set $ci (i32.load offset=8 (local.get $ci)))
   (br_if $up (i32.ne (i32.load8_u offset=8 (local.get $func)) (i32.const 0x46))))  ;; no Lua closure
  (local.set $text (i32.load offset=76 (i32.load offset=12 (i32.load (local.get $func)))))
  (i32.and
   (i32.eq (i32.load offset=16 (local.get $text)) (i32.const ${NAME}))
   (i32.eq (i32.load8_u offset=20 (local.get $text)) (i32.const ${SLASH}))))`);

  module.append(`
 (func $enter_kernel (param $L i32)
  (local $ci i32)
  (local $func i32)
  (if (i32.eqz (global.get $metered)) (then (return)))
  (local.set $ci (i32.load offset=20 (local.get $L)))
  ;; A function that goes on after it was suspended has its room.
  (if
   (i32.ne
    (i32.load offset=16 (local.get $ci))
    (i32.load offset=52 (i32.load offset=12 (i32.load (i32.load (local.get $ci))))))
   (then (return)))
  (if (call $runs_kernel_code (local.get $L) (i32.load offset=8 (local.get $ci))) (then (return)))
  (local.set $func (i32.load (local.get $ci)))
  (if
   (i32.gt_u
    (i32.add
     (i32.shr_u
      (i32.sub (local.get $func) (i32.load offset=28 (local.get $L)))
      (i32.const 4))
     (i32.mul
      (i32.shr_u
       (i32.sub (i32.load offset=12 (local.get $L)) (local.get $func))
       (i32.const 4))
      (i32.const ${COPIES})))
    (i32.const ${STACK_SLOTS - KERNEL_SLOTS}))
   (then (call $refuse_entry (local.get $L) (i32.const ${firstKib.stackText.address}))))
  (if
   (i32.gt_u
    (i32.and (i32.load offset=96 (local.get $L)) (i32.const 0xffff))
    (i32.const ${C_LEVELS - KERNEL_C_LEVELS}))
   (then (call $refuse_entry (local.get $L) (i32.const ${firstKib.callLevelsText.address}))))
  (if (i32.eqz (call $has_reserve (local.get $L)))
   (then (call $luaD_throw (local.get $L) (i32.const 4)))))`); // out of memory

  // The error is the caller's, at the line of the call.
  module.append(`
 (func $refuse_entry (param $L i32) (param $message i32)
  (i32.store offset=20 (local.get $L)
   (i32.load offset=8 (i32.load offset=20 (local.get $L))))
  (call $luaG_runerror (local.get $L) (local.get $message) (i32.const 0)))`);
}
