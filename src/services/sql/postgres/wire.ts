/**
 * What `pg` has and its types do not say: the connection of a client, by which statements are sent step by step, as
 * `pg-cursor` does it.
 * @module
 */
import type { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import type { Client } from "pg";

/** A column of a result, as the server describes it. */
export interface Field {
  name: string;
  /** The oid of its type. */
  dataTypeID: number;
}

interface Events {
  parameterStatus: [{ parameterName: string; parameterValue: string }];
  readyForQuery: [{ status: "I" | "T" | "E" }];
  parseComplete: [];
  connect: [];
  sslconnect: [];
  error: [Error];
}

/** The protocol's messages. */
export interface Wire extends EventEmitter<Events> {
  readonly stream: Duplex;
  connect(port: number, host: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
  query(text: string): void;
  sync(): void;
  sendCopyFail(reason: string): void;
  end(): void;
}

export function connectionOf(client: Client): Wire {
  return (client as Client & { connection: Wire }).connection;
}

/** What the server wants to see of whoever cancels what a client runs. */
export function keyOf(client: Client): { processID: number; secretKey: number } {
  return client as Client & { processID: number; secretKey: number };
}

/** Has a client send a statement; what the server answers goes to the methods of the statement. */
export function send(client: Client, statement: { submit(connection: Wire): void }): void {
  (client as { query(statement: object): unknown }).query(statement);
}
