import { resolve } from "node:path";
import type { ServiceContext } from "../../context.ts";
import { Executor } from "../executor.ts";
import type { NativeSettings } from "../schema.ts";
import { NativeProgram } from "./native.ts";

/** An executor of programs of this machine. */
export function runNativeExecutor(context: ServiceContext, settings: NativeSettings): Executor {
  const { default_work_dir = "." } = settings;
  return new Executor(context, settings, (command, limit) => {
    const directory = resolve(context.directory, command.directory ?? default_work_dir);
    return new NativeProgram({ ...command, directory }, limit);
  });
}
