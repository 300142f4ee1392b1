/**
 * The language server: Lua code and definition files in an editor.
 * @module
 */
import {
  createConnection,
  type InitializeParams,
  type InitializeResult,
  TextDocumentSyncKind,
} from "vscode-languageserver";
import { createProtocolConnection, StreamMessageWriter } from "vscode-languageserver/node";
import { machine } from "../platform/machine.ts";
import { MessageReader } from "./message-reader.ts";
import { addRequests } from "./requests.ts";
import { tokenTypes } from "./semantic-tokens.ts";
import { Session } from "./session.ts";

/** What the server offers. */
const capabilities: InitializeResult["capabilities"] = {
  positionEncoding: "utf-16",
  textDocumentSync: {
    openClose: true,
    change: TextDocumentSyncKind.Incremental,
    save: { includeText: false },
  },
  completionProvider: { triggerCharacters: [".", ":", '"', "'", "/"] },
  hoverProvider: true,
  signatureHelpProvider: { triggerCharacters: ["(", ","] },
  definitionProvider: true,
  declarationProvider: true,
  referencesProvider: true,
  documentHighlightProvider: true,
  renameProvider: { prepareProvider: true },
  documentSymbolProvider: true,
  workspaceSymbolProvider: true,
  semanticTokensProvider: {
    legend: { tokenTypes: [...tokenTypes], tokenModifiers: [] },
    full: true,
  },
  codeActionProvider: { codeActionKinds: ["quickfix"] },
  workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
};

/** How long requests are answered after the end of the input, in milliseconds. */
const grace = 200;

/** Streams of a server, and what it says of itself. */
export interface LspOptions {
  input: NodeJS.ReadableStream;
  output: NodeJS.WritableStream;
  version: string;
}

/**
 * Serves one editor until it says `exit` or closes the input.
 *
 * @returns the exit status: 0 after a `shutdown`, 1 without one
 */
export async function serveEditor({ input, output, version }: LspOptions): Promise<number> {
  const end = Promise.withResolvers<number>();
  const writer = new StreamMessageWriter(output);
  const reader = new MessageReader(input, (code, message) => {
    const answer = { jsonrpc: "2.0", id: null, error: { code, message } };
    void writer.write(answer).catch(() => {});
  });
  const watchDog = {
    shutdownReceived: false,
    initialize() {},
    exit: (code: number) => end.resolve(code),
  };
  const connection = createConnection(
    (logger) => createProtocolConnection(reader, writer, logger),
    watchDog,
  );
  reader.onClose(() => {
    // What came before the end may still be in the queue.
    machine.setTimer(grace, () => end.resolve(watchDog.shutdownReceived ? 0 : 1));
  });
  // The editor is gone.
  output.on("error", () => end.resolve(1));
  const session = new Session(connection);
  connection.onInitialize((params: InitializeParams): InitializeResult => {
    session.initialize(params);
    const isStatic = !session.formatsByLanguage;
    const formatting = {
      documentFormattingProvider: isStatic,
      documentRangeFormattingProvider: isStatic,
    };
    return {
      capabilities: { ...capabilities, ...formatting },
      serverInfo: { name: "wippy", version },
    };
  });
  connection.onInitialized(() => session.begin());
  addRequests(connection, session);
  connection.listen();
  const status = await end.promise;
  session.stop();
  connection.dispose();
  return status;
}
