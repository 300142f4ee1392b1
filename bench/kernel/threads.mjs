// Round trips between two threads of Node's worker_threads, one at a time and a hundred under way:
// prints what app/src/scale.lua prints of "across". Run by scale.ts, with the count as argument.
import { isMainThread, parentPort, Worker } from "node:worker_threads";

if (isMainThread) {
  const count = Number(process.argv[2]);
  const echo = new Worker(new URL(import.meta.url));
  let answered = () => {};
  echo.on("message", () => answered());
  const rate = (n, underWay) =>
    new Promise((resolve) => {
      let sent = 0, received = 0;
      const began = performance.now();
      answered = () => {
        if (++received === n) resolve(n / ((performance.now() - began) / 1000));
        else if (sent < n) echo.postMessage({ topic: "ping", value: sent++ });
      };
      while (sent < underWay) echo.postMessage({ topic: "ping", value: sent++ });
    });
  await rate(Math.floor(count / 30), 1);
  const alone = await rate(Math.floor(count / 10), 1);
  await rate(Math.floor(count / 3), 100);
  console.log(JSON.stringify({ alone, together: await rate(count, 100) }));
  await echo.terminate();
} else {
  parentPort.on("message", (message) => parentPort.postMessage(message));
}
