import { expect, test } from "bun:test";
import { serve } from "../../unit/modules/http_client/servers.ts";
import { acrossRestart, pause } from "./across-restart.ts";
import { run } from "./local-runs.ts";

test("a request of a workflow is sent once: a replay has the recorded response", async () => {
  let requests = 0;
  const url = serve(() => new Response(`answer ${requests += 1}`));
  const { value } = await acrossRestart(`
    local first = assert(http_client.get("${url}"))
    local batch = assert(http_client.request_batch({ { "GET", "${url}" } }))
    ${pause}
    return { first.body, first.status_code, batch[1].body }`);
  expect(value).toEqual(["answer 1", 200, "answer 2"]);
  expect(requests).toBe(2);
});

test("what is streamed is refused, and nothing is sent", async () => {
  let requests = 0;
  const url = serve(() => new Response(`${requests += 1}`));
  const { value } = await run(`
    local _, err = http_client.get("${url}", { stream = true })
    return { err:kind(), err:message() }`);
  expect(value).toEqual([
    "Invalid",
    "http_client: stream is not available in a workflow; call a function that does it",
  ]);
  expect(requests).toBe(0);
});
