import { LUA_FUNCTIONS } from "./compiled_imports.ts";
import type { ModuleText } from "./module_text.ts";

/** Entries of the function table as wasmoon ships it; ours follow. */
const SHIPPED = 198;

/** Our functions that Lua calls by their index in the table, as C calls a function pointer. */
const ADDED = [
  "delegated",
  "resume_again",
  "call_wrapped_again",
  "on_fuel_spent",
  "on_line",
  "stand_at_raise",
  "raise_again",
  "run_protected",
  "finish_soft_pcall",
  "call_below_again",
  "host_function",
  "host_arrival",
  "host_bind",
  "host_burnt",
  "host_call_plain",
  "host_call_unyieldable",
  "host_clock_now",
  "host_clone",
  "host_close",
  "host_copy",
  "host_coroutine",
  "host_delegate",
  "host_entry_at",
  "host_exchange",
  "host_fuel",
  "host_json_decode",
  "host_json_encode",
  "host_know",
  "host_mark",
  "host_mark_lines",
  "host_mark_raises",
  "host_memory",
  "host_message_from",
  "host_message_payload",
  "host_message_topic",
  "host_note_gone",
  "host_park",
  "host_pause",
  "host_payload_data",
  "host_pid_text",
  "host_queue",
  "host_ready",
  "host_ready_first",
  "host_receive",
  "host_relaxed",
  "host_resume",
  "host_returned",
  "host_route",
  "host_send",
  "host_settle",
  "host_slice",
  "host_spawn_plain",
  "host_split_lines",
  "host_steps",
  "host_steps_taken",
  "host_take_gone",
  "host_take_mail",
  "host_tidy",
  "host_tonumber",
  "host_type",
  "host_waiter",
  "host_waiting",
  "host_watch_lines",
] as const;

/** Index in the function table of one of our functions. */
export function indexOf(name: (typeof ADDED)[number]): number {
  return SHIPPED + ADDED.indexOf(name);
}

/** Behind them, what compiled code calls. */
const CALLED = Object.keys(LUA_FUNCTIONS);

/** Index in the function table of a function that compiled code calls. */
export function indexForCompiledCode(name: keyof typeof LUA_FUNCTIONS): number {
  return SHIPPED + ADDED.length + CALLED.indexOf(name);
}

/**
 * Enlarges the function table at build time, so that nothing is added at run time. Each index of our own functions is
 * exported as a global `index:<name>`, by which `src/vm/vm.ts` finds it.
 */
export function addToFunctionTable(module: ModuleText): void {
  module.changeField(
    "function table",
    /^ \(table \$0 198 funcref\)/,
    () => ` (table $0 ${SHIPPED + ADDED.length + CALLED.length} funcref)\n`,
  );
  const functions = [...ADDED, ...CALLED].map((name) => `$${name}`).join(" ");
  module.append(`(elem $added (i32.const ${SHIPPED}) ${functions})`);
  for (const name of ADDED) {
    module.append(`(global $index_${name} i32 (i32.const ${indexOf(name)}))`);
    module.append(`(export "index:${name}" (global $index_${name}))`);
  }
}
