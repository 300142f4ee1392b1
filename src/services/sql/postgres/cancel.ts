import { Client, type ClientConfig } from "pg";
import { connectionOf, keyOf } from "./wire.ts";

/** Asks the server, on a connection of its own, to stop what a client runs. */
export function cancelQuery(client: Client, config: ClientConfig): void {
  const { processID, secretKey } = keyOf(client);
  const connection = connectionOf(new Client(config));
  // Nobody waits for the answer, of which there is none.
  connection.on("error", () => {});
  const ask = () => {
    connection.cancel(processID, secretKey);
    connection.end();
  };
  connection.on("connect", () => config.ssl ? connection.requestSsl() : ask());
  connection.on("sslconnect", ask);
  connection.connect(config.port!, config.host!);
}
