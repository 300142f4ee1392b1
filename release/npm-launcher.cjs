#!/usr/bin/env node
// Starts the program of the package that npm installed for this machine.
"use strict";
const { spawn } = require("node:child_process");

function program() {
  const system = process.platform === "win32" ? "windows" : process.platform;
  const name = `${system}-${process.arch}`;
  const glibc = process.platform !== "linux" ||
    process.report.getReport().header.glibcVersionRuntime !== undefined;
  const target = glibc ? name : `${name}-musl`;
  const file = process.platform === "win32" ? "wippy.exe" : "wippy";
  try {
    return require.resolve(`@wippy/${target}/bin/${file}`);
  } catch {
    console.error(
      `Error: npm did not install @wippy/${target}, which has the program for this machine\n` +
        "    hint: install wippy without --omit=optional; not every machine has a release",
    );
    process.exit(1);
  }
}

const path = program();
// A terminal sends its signals to both; others send them to this process only. It listens before
// the program runs: a signal that came in between would end this process alone.
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
process.on("SIGINT", () => {
  if (!process.stdin.isTTY) child.kill("SIGINT");
});
const child = spawn(path, process.argv.slice(2), { stdio: "inherit" });
child.on("error", (error) => {
  console.error(`Error: cannot start wippy: ${error.message}`);
  process.exit(1);
});
child.on("exit", (status, signal) => {
  if (signal === null) process.exit(status);
  for (const each of ["SIGTERM", "SIGHUP", "SIGINT"]) process.removeAllListeners(each);
  process.kill(process.pid, signal);
});
