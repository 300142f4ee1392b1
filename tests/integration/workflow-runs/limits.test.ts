import { describe, expect, test } from "bun:test";
import { startDurable } from "./durable-application.ts";

const size = 2 * 1024 * 1024;

describe("what is too large to be recorded", () => {
  test("results of functions and of host operations are refused, and not tried again", async () => {
    const application = await startDurable({
      workflows: {
        main: `local function told(value, err)
            if err then return { err:kind(), err:message() } end
            return #value
          end
          local volume = fs.get("app:files")
          funcs.call("app:write", ${size})
          return { told(funcs.call("app:large", ${size})), told(funcs.call("app:large", ${
          size - 100
        })),
            told(volume:readfile("large.txt")) }`,
      },
      functions: {
        start: 'return workflow.exec("app:main")',
        large: 'note("ran") return string.rep("x", ...)',
        write:
          `assert(fs.get("app:files"):writefile("large.txt", string.rep("x", ...))) return true`,
      },
    });
    const [result, small, operation] = await application.call("start") as unknown[];
    expect(result).toEqual([
      "Invalid",
      expect.stringMatching(
        /^the result of app:large has \d+ bytes; at most 2097152 can be recorded/,
      ),
    ]);
    expect(small).toBe(size - 100);
    expect(operation).toEqual(["Invalid", expect.stringContaining("can be recorded")]);
    expect(application.notes()).toEqual(["ran", "ran"]);
  });

  test("input, messages and updates are refused before anything happens", async () => {
    const application = await startDurable({
      workflows: { main: 'process.listen("end"):receive()' },
      functions: {
        start: `local large = string.rep("x", ${size})
          local _, input = process.spawn("app:main", "app:durable", large)
          local pid = process.spawn("app:main", "app:durable")
          local _, message = process.send(pid, "end", large)
          local _, update = workflow.update(pid, "u", large)
          return { input:message(), message:message(), update:message() }`,
      },
    });
    expect(await application.call("start")).toEqual([
      expect.stringContaining("the input of app:main has"),
      expect.stringContaining("the message end has"),
      expect.stringContaining("the input of the update u has"),
    ]);
  });
});
