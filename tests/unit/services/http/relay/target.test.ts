/** The process to which a connection belongs. */
import { expect, test } from "bun:test";
import type { ServiceContext, ServiceUnit } from "../../../../../src/services/context.ts";
import { Target } from "../../../../../src/services/http/relay/target.ts";
import { WippyError } from "../../../../../src/vm/error.ts";
import type { LuaValue } from "../../../../../src/vm/value.ts";
import { until } from "../../../../until.ts";

const busy = () =>
  new WippyError("Unavailable", "worker 1 has stood still for 1 s", { retryable: true });

/** A target whose worker fails the next calls with these errors; what it got, and how the connection ended. */
function targetOf(failures: { monitor?: WippyError[]; send?: WippyError[] }) {
  const sent: [topic: string, value: LuaValue][] = [];
  const ended: string[] = [];
  let monitored = 0;
  const fail = (errors: WippyError[] = []) => {
    const error = errors.shift();
    return error ? Promise.reject(error) : Promise.resolve();
  };
  const unit: ServiceUnit = {
    pid: "{app:web|0x1}",
    monitor: async () => {
      await fail(failures.monitor);
      monitored += 1;
    },
    send: async (_to, topic, [value]) => {
      await fail(failures.send);
      sent.push([topic, value]);
    },
    demonitor: () => {},
    end: () => {},
  };
  const platform = {
    precise: () => 0,
    setTimer: (_: number, due: () => void) => {
      queueMicrotask(due);
      return () => {};
    },
  };
  const target = new Target({ platform } as unknown as ServiceContext, unit, {
    prefix: "sse",
    limit: 2,
    messages: () => 0,
    beat: () => {},
    gone: () => ended.push("gone"),
    refused: ({ message }) => ended.push(message),
    describes: false,
  });
  return { target, sent, ended, monitored: () => monitored };
}

const settings = { target: "{app:p|0x2}", heartbeat: 0 };

test("a target whose worker stands still is joined when it goes on", async () => {
  const { target, sent, ended, monitored } = targetOf({
    monitor: [busy(), busy()],
    send: [busy(), busy(), busy()],
  });
  target.start(settings);
  target.post("sse.message", "first");
  await until(() => sent.length === 2);
  expect(sent.map(([topic]) => topic)).toEqual(["sse.join", "sse.message"]);
  expect(monitored()).toBe(1);
  expect(ended).toEqual([]);
});

test("a target that is none, or refuses for good, is not joined", async () => {
  const gone = new WippyError("NotFound", "process not found", { retryable: false });
  const first = targetOf({ monitor: [gone] });
  first.target.start(settings);
  await until(() => first.ended.length > 0);
  expect(first.ended).toEqual(["gone"]);
  const refusal = new WippyError("Invalid", "too large", { retryable: false });
  const second = targetOf({ send: [refusal] });
  second.target.start(settings);
  await until(() => second.ended.length > 0);
  expect(second.ended).toEqual(["too large"]);
  expect([first.sent, second.sent]).toEqual([[], []]);
});
