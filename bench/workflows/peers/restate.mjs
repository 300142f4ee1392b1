/** Runs of ten steps on Restate: the service and its caller. Arguments: its folder of packages, the ports of the service, of the server's admin API and of its ingress, then those of ten-steps.mjs. */
import { createServer } from "node:http2";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Agent, request } from "node:http";
import { measure } from "./ten-steps.mjs";

// The SDK asks for it; Node has it since version 22.
Promise.withResolvers ??= () => {
  let resolve, reject;
  const promise = new Promise((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
};

const [packages, port, admin, ingress, ...rest] = process.argv.slice(2);
const restate = createRequire(join(packages, "package.json"))("@restatedev/restate-sdk");

const ten = restate.service({
  name: "ten",
  handlers: {
    run: async (context) => {
      let value = 0;
      for (let i = 0; i < 10; i++) {
        const before = value;
        value = await context.run("step", () => before + 1);
      }
      return value;
    },
  },
});
const server = createServer(restate.createEndpointHandler({ services: [ten] }));
await new Promise((ready) => server.listen(Number(port), "127.0.0.1", ready));
const registered = await fetch(`http://127.0.0.1:${admin}/deployments`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ uri: `http://127.0.0.1:${port}`, force: true }),
});
if (!registered.ok) throw new Error(await registered.text());

const agent = new Agent({ keepAlive: true, maxSockets: 1_000 });
const one = () =>
  new Promise((resolve, reject) => {
    request(
      { host: "127.0.0.1", port: ingress, path: "/ten/run", method: "POST", agent },
      (answer) => {
        let text = "";
        answer.on("data", (part) => text += part);
        answer.on("end", () => {
          if (answer.statusCode === 200) resolve(JSON.parse(text));
          else reject(new Error(`${answer.statusCode} ${text}`));
        });
      },
    ).on("error", reject).end();
  });
await measure(one, rest);
process.exit(0);
