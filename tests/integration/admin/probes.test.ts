import { expect, test } from "bun:test";
import { answerProbe } from "../../../src/admin/probes.ts";
import { createSite } from "../../../src/admin/site.ts";
import { Tokens } from "../../../src/admin/tokens.ts";
import { Shop } from "./shop.ts";

const host = "localhost:7777";
const tls = { cert: "", key: "" };

/** What a client sees of an answer. */
async function seen(answer: Response) {
  return { status: answer.status, headers: [...answer.headers], text: await answer.text() };
}

test("a probe has the answer that the whole site gives", async () => {
  const shop = new Shop();
  const target = await shop.start();
  const tokens = new Tokens(shop.stateDir);
  // A probe asks for nothing else.
  const broken = {
    ...target,
    node: { control: { services: [{ status: "failed", desired: "running" }] } },
  } as unknown as typeof target;
  for (const options of [{ names: [] }, { names: [], tls }]) {
    const probes = [[target, "/healthz"], [target, "/readyz"], [broken, "/readyz?x=1"]] as const;
    for (const [of, path] of probes) {
      const request = () => new Request(`http://${host}${path}`, { headers: { host } });
      const answer = answerProbe(request(), of, options);
      const site = createSite(target, tokens, options, () => 7777);
      const expected = await seen(await site.fetch(request()));
      if (of === broken) {
        expected.status = 503;
        expected.text = "not ready: 1 services are not running\n";
      }
      expect(await seen(answer!), path).toEqual(expected);
    }
  }
});

test("what is no probe, or comes from strangers, is the site's", async () => {
  const shop = new Shop();
  const target = await shop.start();
  const requests = [
    new Request(`http://${host}/`, { headers: { host } }),
    new Request(`http://${host}/readyz/`, { headers: { host } }),
    new Request(`http://${host}/constructor`, { headers: { host } }),
    new Request(`http://${host}/healthz`, { method: "POST", headers: { host } }),
    new Request(`http://${host}/healthz`, { method: "HEAD", headers: { host } }),
    new Request(`http://${host}/healthz`),
    new Request(`http://${host}/healthz`, { headers: { host: "shop.example" } }),
    new Request(`http://${host}/healthz`, { headers: { host, origin: "http://shop.example" } }),
  ];
  for (const request of requests) {
    expect(answerProbe(request, target, { names: [] }), request.url).toBeUndefined();
  }
  const named = new Request(`http://${host}/healthz`, { headers: { host: "shop.example" } });
  expect(answerProbe(named, target, { names: ["shop.example"] })?.status).toBe(200);
});
