import { expect, test } from "bun:test";
import { join } from "node:path";
import { until } from "../../../until.ts";

const program = join(import.meta.dir, "../../../../src/services/exec/native/native.ts");

test("programs that run when the runtime exits at once are killed with what they started", async () => {
  const code = `
    const { NativeProgram } = await import(${JSON.stringify(program)});
    const command = {
      words: ["/bin/sh", "-c", "/bin/sleep 1000 & echo $! $$; wait"],
      directory: "/",
      env: {},
    };
    const program = new NativeProgram(command, { count() {} });
    await program.start();
    process.stdout.write(await program.read("stdout", 100));
    process.exit(3);`;
  const child = Bun.spawn([process.execPath, "-e", code], { stdout: "pipe" });
  const pids = (await new Response(child.stdout).text()).trim().split(" ").map(Number);
  expect(pids).toHaveLength(2);
  expect(await child.exited).toBe(3);
  const alive = (pid: number) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  await until(() => !pids.some(alive));
});
