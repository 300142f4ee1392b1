import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addressOf } from "../../../../src/services/exec/docker/address.ts";
import { cleanAfterTest } from "../../../cleanup.ts";

test.each([
  [undefined, {}, { unix: "/var/run/docker.sock" }],
  ["", { DOCKER_HOST: "unix:///run/user/1/docker.sock" }, { unix: "/run/user/1/docker.sock" }],
  ["tcp://box:2000", { DOCKER_HOST: "unix:///x" }, { host: "box", port: 2000 }],
  ["tcp://box", {}, { host: "box", port: 2375 }],
  ["http://[::1]:99", {}, { host: "::1", port: 99 }],
  ["https://box", {}, { host: "box", port: 2376, tls: { rejectUnauthorized: true } }],
  ["tcp://box", { DOCKER_TLS_VERIFY: "1" }, {
    host: "box",
    port: 2376,
    tls: { rejectUnauthorized: true },
  }],
])("%p with %p", (url, system, address) => {
  expect(addressOf(url, system)).toEqual(address);
});

test("the certificates of DOCKER_CERT_PATH are shown to the daemon", () => {
  const folder = mkdtempSync(join(tmpdir(), "wippy-docker-"));
  cleanAfterTest(() => rmSync(folder, { recursive: true }));
  for (const name of ["ca", "cert", "key"]) writeFileSync(join(folder, `${name}.pem`), name);
  expect(addressOf("tcp://box", { DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: folder })).toEqual({
    host: "box",
    port: 2376,
    tls: { rejectUnauthorized: true, ca: "ca", cert: "cert", key: "key" },
  });
  rmSync(join(folder, "key.pem"));
  expect(() => addressOf("https://box", { DOCKER_CERT_PATH: folder })).toThrow(/key.pem/);
});

test.each(["unix://relative", "ssh://box", "box:2375", "npipe:////./pipe/docker"])(
  "%s is refused",
  (url) => {
    expect(() => addressOf(url, {})).toThrow(/^host .*(use|write)/);
  },
);
