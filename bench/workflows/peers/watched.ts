import { readFileSync } from "node:fs";

/** How often the memory of a program is looked at, in milliseconds. */
const lookInterval = 200;
/** Of the processor time in /proc. */
const ticksPerSecond = 100;

/** What a program has printed, and what it took from when it said "measuring" on standard error until its end. */
export interface Watched<Value> {
  answer: Value;
  /** Milliseconds of processor time. */
  cpu: number;
  /** Most bytes that were resident. */
  memory: number;
}

/**
 * Runs a program that prints a JSON value in its last line.
 *
 * @throws with its words when it fails, and where there is no /proc
 */
export async function watchProgram<Value>(command: readonly string[]): Promise<Watched<Value>> {
  const child = Bun.spawn([...command], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, NODE_ENV: "production", NODE_NO_WARNINGS: "1" },
  });
  const kill = () => child.kill("SIGKILL");
  process.prependOnceListener("exit", kill);
  let words = "";
  let before = NaN;
  let memory = 0;
  let looking: ReturnType<typeof setInterval> | undefined;
  const look = () => memory = Math.max(memory, residentBytes(child.pid));
  const listening = (async () => {
    for await (const chunk of child.stderr) {
      words += Buffer.from(chunk).toString();
      if (looking || !words.includes("measuring")) continue;
      before = processorTime(child.pid);
      look();
      looking = setInterval(look, lookInterval);
    }
  })();
  const [out, status] = await Promise.all([
    new Response(child.stdout).text(),
    child.exited,
    listening,
  ]).finally(() => clearInterval(looking));
  process.off("exit", kill);
  if (status !== 0) throw new Error(`${command[0]} failed: ${words.trim().slice(-600)}`);
  const cpu = Number(child.resourceUsage()!.cpuTime.total) / 1_000 - before;
  return { answer: JSON.parse(out.trim().split("\n").at(-1) ?? "") as Value, cpu, memory };
}

/** Milliseconds of processor time that a program has taken. */
function processorTime(pid: number): number {
  // The name before the fields may hold spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 1_000 / ticksPerSecond;
}

/** 0 for a program that has ended. */
function residentBytes(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return 1_024 * Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  } catch {
    return 0;
  }
}
