import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { WippyError } from "../../../vm/error.ts";
import type { ServiceContext } from "../../context.ts";
import type { SqliteSettings } from "../schema.ts";
import { SqlService } from "../service.ts";
import { SqliteDriver } from "./sqlite.ts";

/** An SQLite database as a service: it runs while the file is open. */
export function runSqlite(
  context: ServiceContext,
  { file, busy_timeout }: SqliteSettings,
): SqlService {
  const path = file === ":memory:" ? file : resolve(context.directory, file);
  const driver = new SqliteDriver({
    path,
    busyTimeout: busy_timeout,
    threads: !context.simulation,
    platform: context.platform,
    ...(!context.simulation && context.workers.apart && { workers: context.workers }),
  });
  const open = driver.open.bind(driver);
  driver.open = async (failed) => {
    if (path !== ":memory:" && !existsSync(dirname(path))) {
      throw new WippyError("Unavailable", `open ${file}: its folder does not exist; make it`, {
        retryable: true,
      });
    }
    await open(failed);
  };
  return new SqlService(driver, () => driver.kill());
}
