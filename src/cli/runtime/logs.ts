/**
 * `wippy logs`: the log of a running runtime.
 * @module
 */
import { createPlainSink } from "../../observe/console.ts";
import type { Got } from "../../admin/client.ts";
import { connect, type ConnectOptions } from "../connection.ts";
import type { Console } from "../terminal/terminal.ts";

export interface FollowOptions extends ConnectOptions {
  follow?: boolean;
  lines: number;
  level?: string;
  text?: string;
  unit?: string;
}

/** How often a followed log is looked at, in milliseconds. */
const followInterval = 250;
const mostAtOnce = 1000;

/** `wippy logs` */
export async function showLogs(console: Console, options: FollowOptions): Promise<number> {
  const connection = connect(console, options);
  const sink = createPlainSink((text) => console.out(text));
  const { level, text, unit } = options;
  let after: number | undefined;
  let limit = Math.max(1, Math.min(mostAtOnce, options.lines));
  for (;;) {
    const page: Got<"/logs"> = await connection.get("/logs", {
      query: { level, text, unit, after, limit },
    });
    for (const record of page.records) {
      if (options.json) console.out(`${JSON.stringify(record)}\n`);
      else sink.log(record);
    }
    if (!options.follow) return 0;
    after = page.last;
    limit = mostAtOnce;
    await Bun.sleep(followInterval);
  }
}
