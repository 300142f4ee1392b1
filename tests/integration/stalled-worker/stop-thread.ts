/**
 * Stops one thread of another program, as if a system call never returned: what nothing inside of that program can do.
 * @module
 */
import { dlopen, ptr } from "bun:ffi";
import { readdirSync, readFileSync } from "node:fs";

const seize = 0x4206, interrupt = 0x4207, detach = 17, anyThread = 0x40000000;

function libc() {
  return dlopen("libc.so.6", {
    ptrace: { args: ["i64", "i64", "ptr", "ptr"], returns: "i64" },
    waitpid: { args: ["i32", "ptr", "i32"], returns: "i32" },
  }).symbols;
}

/** Threads of a program with this name. */
export function threadsOf(pid: number, name: string): number[] {
  return readdirSync(`/proc/${pid}/task`).map(Number)
    .filter((id) => readFileSync(`/proc/${pid}/task/${id}/comm`, "utf8").trim() === name);
}

/** Stops a thread; what is returned lets it go on. @throws Error when the system does not allow that */
export function stopThread(thread: number): () => void {
  const { ptrace, waitpid } = libc();
  const request = (what: number) => {
    if (Number(ptrace(what, thread, null, null)) !== 0) throw new Error(`ptrace ${what} failed`);
  };
  request(seize);
  request(interrupt);
  const status = new Int32Array(1);
  if (waitpid(thread, ptr(status), anyThread) !== thread) throw new Error("waitpid failed");
  return () => request(detach);
}

/** Why threads cannot be stopped here; undefined when they can. */
export function cannotStop(): string | undefined {
  if (process.platform !== "linux") return "ptrace of Linux is needed";
  const child = Bun.spawn(["sleep", "60"]);
  try {
    stopThread(child.pid)();
    return undefined;
  } catch (error) {
    return String(error);
  } finally {
    child.kill("SIGKILL");
  }
}
