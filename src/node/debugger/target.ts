/** Where a thread goes before it stops again. */
export type StepKind = "in" | "over" | "out";

/** Errors at which units stop: those that nothing catches, all, none. */
export type Exceptions = "uncaught" | "all" | false;

/** A breakpoint as it is asked for. */
export interface Breakpoint {
  /** Of the file, from 1. */
  line: number;
  /** Stops only when this expression is true. */
  condition?: string;
  /** Stops only at some of the hits: `5` (from the fifth on), `== 5`, `> 5`, `< 5`, `% 5` (every fifth). */
  hits?: string;
  /** Writes this text, with the value of each `{expression}` in it, and does not stop. */
  log?: string;
}

/** A breakpoint as it was set. */
export interface PlacedBreakpoint {
  id: number;
  /** Whether code of the application is there. */
  verified: boolean;
  line?: number;
  message?: string;
}

/** A unit, or a further coroutine of one. */
export interface Thread {
  id: number;
  name: string;
  stopped: boolean;
}

/** A call that has not ended. */
export interface Frame {
  id: number;
  name: string;
  line: number;
  /** Absolute path; absent for code without a file. */
  file?: string;
  /** What the code is called. */
  chunk: string;
}

/** A set of variables. */
export interface Scope {
  name: string;
  ref: number;
}

/** A part of what is in a table. */
export interface VariablePage {
  start?: number;
  /** 0: all, up to 1,000. */
  count?: number;
  filter?: "indexed" | "named";
}

/** A variable, a field, a value. */
export interface Variable {
  name: string;
  value: string;
  type: string;
  /** Where there is something in it. */
  ref?: number;
  /** How many items its list has. */
  indexed?: number;
}

/** What a runtime tells its debugger. */
export type DebugEvent =
  | {
    kind: "stopped";
    thread: number;
    reason: string;
    text?: string;
    breakpoints: number[];
    /** It stands at an error that something catches. */
    caught?: boolean;
  }
  | { kind: "continued"; thread: number }
  | { kind: "output"; text: string; file?: string };
