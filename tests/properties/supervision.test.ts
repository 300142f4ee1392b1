/**
 * Random supervisors, to whose children random things happen, in a simulation on one to three workers, against a
 * model of OTP's rules. `WIPPY_SEED` begins with another seed, `WIPPY_RUNS` tries more.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Simulation } from "../../src/platform/simulation.ts";
import type { LuaValue } from "../../src/vm/value.ts";
import { startApplication } from "../integration/application.ts";
import { type ChildSpec, type Op, type Row, SupervisorModel } from "./supervision_model.ts";

const code = async (name: string, modules: string[]) => ({
  source: await Bun.file(`${import.meta.dirname}/${name}.lua`).text(),
  modules,
});
const sources = {
  processes: {
    child: await code("child", []),
    supervised: await code("supervised", ["supervisor", "time"]),
  },
  functions: {
    run: `return { main = function(spec, ops)
      return process.exec("app:supervised", "app:processes", spec, ops) end }`,
  },
};

const ids = ["a", "b", "c", "d", "e"];
const program = fc.record({
  strategy: fc.constantFrom(
    "one_for_one" as const,
    "one_for_all" as const,
    "rest_for_one" as const,
  ),
  children: fc.integer({ min: 1, max: ids.length }).chain((count) =>
    fc.tuple(
      ...ids.slice(0, count).map((id) =>
        fc.record<ChildSpec>({
          id: fc.constant(id),
          restart: fc.constantFrom("permanent", "permanent", "transient", "temporary"),
          shutdown: fc.constantFrom("brutal_kill", "50ms"),
          deaf: fc.boolean(),
        })
      ),
    )
  ),
  ops: fc.array(
    fc.record<Op>({
      how: fc.constantFrom(
        "fail",
        "fail",
        "return",
        "kill",
        "terminate_child",
        "restart_child",
        "delete_child",
      ),
      id: fc.constantFrom(...ids),
    }),
    { maxLength: 12 },
  ),
});

test("supervisors restart, stop and forget children as OTP's rules say", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(2 ** 31),
      fc.integer({ min: 1, max: 3 }),
      fc.array(program, { minLength: 1, maxLength: 10 }),
      async (seed, workers, programs) => {
        const application = await startApplication(sources, {
          simulation: new Simulation({ seed }),
          workers,
        });
        try {
          for (const { strategy, children, ops } of programs) {
            const spec = { strategy, intensity: 1000, period: "1h", children };
            const history = await application.call(
              "run",
              spec as unknown as LuaValue,
              ops as unknown as LuaValue,
            ) as unknown as { ok?: boolean; rows: Row[] | object }[];
            const model = new SupervisorModel(strategy, children);
            const expected: { ok?: boolean; rows: Row[] }[] = [{ rows: model.rows() }];
            for (const op of ops) expected.push({ ok: model.apply(op), rows: model.rows() });
            // No children: an empty table of Lua is no list.
            const seen = history.map(({ rows, ...rest }) => ({
              ...rest,
              rows: Array.isArray(rows) ? rows as Row[] : [],
            }));
            expect(seen).toEqual(expected);
          }
          expect((await application.node.control.units({})).units).toEqual([]);
        } finally {
          await application.stop();
        }
      },
    ),
    {
      seed: Number(process.env["WIPPY_SEED"] ?? 1),
      numRuns: Number(process.env["WIPPY_RUNS"] ?? 30),
    },
  );
}, 600_000);
