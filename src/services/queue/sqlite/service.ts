import { join } from "node:path";
import { secretFolder } from "../../../platform/secret-file.ts";
import { WippyError } from "../../../vm/error.ts";
import type { ServiceContext } from "../../context.ts";
import { DriverService } from "../driver-service.ts";
import type { DriverQueue } from "../driver.ts";
import type { SqliteDriverSettings } from "../schema.ts";
import type { Opened } from "./commands.ts";
import { QueueLink } from "./link.ts";
import { type QueuePlace, SqliteQueue } from "./sqlite.ts";

/** Milliseconds between two removals of ids that need not be known any more. */
const pruneInterval = 600_000;

/** Queues in a file of the state folder as a service. */
export function runSqliteDriver(
  { entry, platform, stateDir, simulation }: ServiceContext,
  { id_retention }: SqliteDriverSettings,
): DriverService {
  const queues = new Map<string, SqliteQueue>();
  let link: QueueLink | undefined;
  let waiting: Opened["waiting"] = {};
  let last = 0;
  let cancelPrune = () => {};
  const place: QueuePlace = {
    platform,
    link() {
      if (link) return link;
      throw new WippyError("Unavailable", `${entry.id} is stopped`, { retryable: true });
    },
    number: () => last += 1,
  };
  const prune = () => {
    void link?.ask({ type: "prune", before: platform.now() - id_retention }).catch(() => {});
    cancelPrune = platform.setTimer(pruneInterval, prune);
  };
  const driver = {
    declare(
      id: string,
      { driver_options }: { driver_options: { sqlite: { max_length: number } } },
    ) {
      const most = driver_options.sqlite.max_length;
      let queue = queues.get(id);
      if (queue) queue.most = most;
      else {
        queue = new SqliteQueue(id, place, most);
        queues.set(id, queue);
        queue.opened(waiting[id] ?? 0);
      }
      return Promise.resolve<DriverQueue>(queue);
    },
  };
  return new DriverService(driver, {
    async open(failed) {
      const folder = join(stateDir, "queues");
      secretFolder(folder);
      const path = join(folder, `${encodeURIComponent(entry.id)}.db`);
      const opened = await QueueLink.open(path, !simulation, (error) => {
        link = undefined;
        failed(error);
      });
      link = opened.link;
      waiting = opened.opened.waiting;
      last = Math.max(last, opened.opened.last);
      for (const [id, queue] of queues) queue.opened(waiting[id] ?? 0);
      // Not at once: what was published before a long stop may come again now.
      cancelPrune = platform.setTimer(pruneInterval, prune);
    },
    async close() {
      cancelPrune();
      for (const queue of queues.values()) queue.stop();
      const closing = link;
      link = undefined;
      await closing?.close();
    },
    kill() {
      cancelPrune();
      link?.kill();
      link = undefined;
    },
    inspect: () => ({ queues: queues.size }),
  });
}
