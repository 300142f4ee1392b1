import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { cleanAfterTest } from "../../cleanup.ts";
import { openDescriptors } from "../../open-files.ts";
import {
  certificate,
  key,
  strangerCertificate,
  strangerKey,
} from "../../unit/modules/http_client/certificate.ts";
import { until } from "../../until.ts";
import { startApplication } from "../application.ts";
import { startWeb } from "./web.ts";

const clients = {
  none: {},
  known: { cert: certificate, key },
  stranger: { cert: strangerCertificate, key: strangerKey },
};

const routes = {
  "GET /": `res:write("secure")`,
  "POST /echo": `res:write(req:remote_addr() .. " " .. #req:body() .. " " .. req:host())`,
  "GET /large": `for _ = 1, 100 do res:write(("x"):rep(65536)) end`,
  "GET /wait": `print("begun") time.sleep("200ms") res:write("late")`,
};

function served(client_auth: string) {
  const verifies = client_auth === "require_and_verify" || client_auth === "verify_if_given";
  const tls = { mode: "manual", cert: certificate, key, client_auth };
  return startWeb({
    server: { tls: verifies ? { ...tls, client_ca: certificate } : tls },
    routes,
  });
}

const trusted = { ca: certificate, serverName: "shop.test" };

test.each([
  ["request", { none: true, known: true, stranger: true }],
  ["require_any", { none: false, known: true, stranger: true }],
  ["verify_if_given", { none: true, known: true, stranger: false }],
  ["require_and_verify", { none: false, known: true, stranger: false }],
])("client_auth %s lets in %j", async (client_auth, lets) => {
  const { url } = await served(client_auth);
  expect(url).toStartWith("https://127.0.0.1:");
  const seen: Record<string, boolean> = {};
  for (const [who, own] of Object.entries(clients)) {
    seen[who] = await fetch(url, { tls: { ...trusted, ...own }, keepalive: false })
      .then(async (response) => await response.text() === "secure", () => false);
  }
  expect(seen).toEqual(lets);
});

test("behind a judge of certificates requests, responses and addresses are the client's", async () => {
  const { url, application } = await served("require_any");
  const tls = { ...trusted, ...clients.stranger };
  const text = await (await fetch(`${url}/echo`, {
    method: "POST",
    body: "y".repeat(1 << 20),
    tls,
  })).text();
  expect(text).toMatch(/^127\.0\.0\.1:\d+ 1048576 127\.0\.0\.1:\d+$/);
  expect(text).toEndWith(new URL(url).host);
  const all = await Promise.all(
    [1, 2, 3].map(async () => (await (await fetch(`${url}/large`, { tls })).bytes()).length),
  );
  expect(all).toEqual([6_553_600, 6_553_600, 6_553_600]);
  const late = fetch(`${url}/wait`, { tls });
  await until(() => application.logged("f3").includes("begun"));
  await application.node.control.stopService("app:web");
  expect(await (await late).text()).toBe("late");
  expect(await fetch(url, { tls }).then(() => "it listens", () => "refused")).toBe("refused");
});

test("whoever finds the port behind it is refused, and noise does no harm", async () => {
  const before = ports();
  const { url, port } = await served("require_any");
  const inner = ports().filter((each) => each !== port && !before.includes(each));
  expect(inner).toHaveLength(1);
  const answers = await Promise.all(
    inner.map((each) =>
      fetch(`http://127.0.0.1:${each}/`).then(async (response) =>
        `${response.status} ${await response.text()}`
      )
    ),
  );
  expect(answers).toEqual(["403 this port is the server's own"]);
  for (const noise of ["GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x00\x05"]) {
    const socket = connect(port, "127.0.0.1", () => socket.end(noise));
    socket.on("error", () => {});
    socket.resume();
    cleanAfterTest(() => void socket.destroy());
    await until(() => socket.destroyed || socket.readableEnded);
  }
  const tls = { ...trusted, ...clients.known };
  expect(await (await fetch(url, { tls })).text()).toBe("secure");
});

test("an address in use is said by a judge of certificates too", async () => {
  const other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  cleanAfterTest(() => other.stop(true));
  const application = await startApplication({
    entries: {
      web: {
        kind: "http.service",
        addr: `127.0.0.1:${other.port}`,
        tls: { mode: "manual", cert: certificate, key, client_auth: "require_any" },
        lifecycle: { auto_start: true, restart: { initial_delay: "20ms" } },
      },
    },
  });
  const said = `the address 127.0.0.1:${other.port} is in use`;
  await until(() => application.logs.some((record) => JSON.stringify(record).includes(said)));
  await other.stop(true);
  const { control } = application.node;
  await until(() =>
    control.services.some(({ id, status }) => id === "app:web" && status === "running")
  );
});

/** Ports on which this process listens on the loopback interface. */
function ports(): number[] {
  const own = new Set(openDescriptors());
  const listening = /^ *\d+: 0100007F:([0-9A-F]{4}) \S+ 0A (?:\S+ +){5}(\d+)/gm;
  return [...readFileSync("/proc/net/tcp", "utf8").matchAll(listening)]
    .filter(([, , inode]) => own.has(`socket:[${inode}]`))
    .map(([, port]) => parseInt(port!, 16));
}
