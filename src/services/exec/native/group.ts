/** Leaders of the process groups whose programs run. */
const alive = new Set<number>();

/**
 * Signals a process group. One that is gone is left alone.
 *
 * @returns whether there was one
 * @throws Error of the system, unless the group is gone
 */
export function signalGroup(leader: number, signal: number): boolean {
  try {
    process.kill(-leader, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

function killAll(): void {
  for (const leader of alive) signalGroup(leader, 9);
}

/** From now on the group is killed when this process exits, whatever the reason of the exit is. */
export function guard(leader: number): void {
  if (alive.size === 0) process.on("exit", killAll);
  alive.add(leader);
}

/** The leader was reaped: what is left of its group is killed, before its number can be that of another process. */
export function reaped(leader: number): void {
  alive.delete(leader);
  if (alive.size === 0) process.off("exit", killAll);
  signalGroup(leader, 9);
}
