import {
  type CancellationToken,
  type Connection,
  ErrorCodes,
  LSPErrorCodes,
  type Position,
  type Range,
  ResponseError,
} from "vscode-languageserver";
import { TextDocument } from "vscode-languageserver-textdocument";
import { actionsFor } from "./actions.ts";
import { completeAt } from "./completion.ts";
import { formatDocument } from "./format.ts";
import { hoverAt } from "./hover.ts";
import { declarationOf, definitionAt, placesOf, subjectAt } from "./navigation.ts";
import { prepareRename, rename } from "./rename.ts";
import { semanticTokens } from "./semantic-tokens.ts";
import type { Session } from "./session.ts";
import { signatureAt } from "./signature.ts";
import { SourceText } from "./source-text.ts";
import { documentSymbols, workspaceSymbols } from "./symbols.ts";
import { type Loaded, pathOf } from "./workspace.ts";

type Params = Record<string, unknown>;

function invalid(message: string): ResponseError<void> {
  return new ResponseError(ErrorCodes.InvalidParams, message);
}

function recordOf(value: unknown, name: string): Params {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return { ...value };
  }
  throw invalid(`${name} must be an object`);
}

function textOf(value: unknown, name: string): string {
  if (typeof value === "string") return value;
  throw invalid(`${name} must be a string`);
}

function uriOf(params: Params): string {
  return textOf(recordOf(params["textDocument"], "textDocument")["uri"], "textDocument.uri");
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

function positionOf(value: unknown, name: string): Position {
  const { line, character } = recordOf(value, name);
  if (isNumber(line) && isNumber(character)) return { line, character };
  throw invalid(`${name} must have a line and a character, whole numbers from 0`);
}

function rangeOf(value: unknown, name: string): Range {
  const { start, end } = recordOf(value, name);
  return { start: positionOf(start, `${name}.start`), end: positionOf(end, `${name}.end`) };
}

/** Takes in what has arrived with a request: the editor may have changed its mind. @throws ResponseError if so */
async function stillWanted({ platform }: Session, token: CancellationToken): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  platform.defer(resolve);
  await promise;
  if (token.isCancellationRequested) {
    throw new ResponseError(LSPErrorCodes.RequestCancelled, "the request was cancelled");
  }
}

/** Answers the requests and notifications of an editor. What they carry is checked: an editor may send anything. */
export function addRequests(connection: Connection, session: Session): void {
  const { workspace } = session;

  /** A request about a document. @throws ResponseError for one that is neither open nor there */
  async function about(
    params: Params,
  ): Promise<{ source: SourceText; loaded: Loaded | undefined }> {
    const uri = uriOf(params);
    const path = pathOf(uri);
    const source = workspace.document(uri) ??
      (path === undefined ? undefined : workspace.source(path));
    if (source === undefined) throw invalid(`the document ${uri} is not open`);
    return { source, loaded: await workspace.applicationOf(uri) };
  }

  function onDocument<Result>(
    method: string,
    answer: (source: SourceText, loaded: Loaded | undefined, params: Params) => Result,
  ): void {
    connection.onRequest(method, async (given: unknown, token): Promise<unknown> => {
      const params = recordOf(given, "params");
      const { source, loaded } = await about(params);
      await stillWanted(session, token);
      // Null is the answer of every request that has nothing to say.
      return source.isTooLong ? null : answer(source, loaded, params);
    });
  }

  function onPosition<Result>(
    method: string,
    answer: (
      source: SourceText,
      position: Position,
      loaded: Loaded | undefined,
      params: Params,
    ) => Result,
  ): void {
    onDocument(
      method,
      (source, loaded, params) =>
        answer(source, positionOf(params["position"], "position"), loaded, params),
    );
  }

  onPosition("textDocument/completion", completeAt);
  onPosition("textDocument/hover", hoverAt);
  onPosition("textDocument/signatureHelp", signatureAt);
  onPosition("textDocument/definition", definitionAt);
  onPosition("textDocument/declaration", (source, position, loaded) => {
    const subject = subjectAt(source, position, loaded);
    if (subject?.kind !== "entry" || !loaded) return definitionAt(source, position, loaded);
    return [declarationOf(subject.id, loaded)].flatMap((at) => at ?? []);
  });
  onPosition("textDocument/references", (source, position, loaded, { context }) => {
    const subject = subjectAt(source, position, loaded);
    const whole = recordOf(context ?? {}, "context")["includeDeclaration"] !== false;
    return subject ? placesOf(subject, loaded, whole) : [];
  });
  onPosition("textDocument/documentHighlight", (source, position, loaded) => {
    const subject = subjectAt(source, position, loaded);
    const places = subject ? placesOf(subject, loaded, true) : [];
    return places.filter(({ uri }) => uri === source.uri).map(({ range }) => ({ range }));
  });
  onPosition("textDocument/prepareRename", prepareRename);
  onPosition(
    "textDocument/rename",
    (source, position, loaded, { newName }) =>
      rename(source, position, textOf(newName, "newName"), loaded),
  );
  onDocument("textDocument/documentSymbol", documentSymbols);
  onDocument("textDocument/semanticTokens/full", semanticTokens);
  onDocument("textDocument/formatting", (source) => formatDocument(source));
  onDocument(
    "textDocument/rangeFormatting",
    (source, _loaded, { range }) => formatDocument(source, rangeOf(range, "range")),
  );
  onDocument("textDocument/codeAction", (source, loaded, { context, range }) => {
    rangeOf(range, "range");
    const { diagnostics } = recordOf(context, "context");
    if (!Array.isArray(diagnostics)) throw invalid("context.diagnostics must be a list");
    const read = diagnostics.map((given: unknown) => {
      const { message, range, code, data } = recordOf(given, "a diagnostic");
      return {
        range: rangeOf(range, "the range of a diagnostic"),
        message: textOf(message, "the message of a diagnostic"),
        ...(typeof code === "string" && { code }),
        ...(typeof data === "object" && data !== null && { data }),
      };
    });
    return actionsFor(source, read, loaded);
  });
  connection.onRequest("workspace/symbol", async (given: unknown, token) => {
    const query = textOf(recordOf(given, "params")["query"], "query");
    const applications = await workspace.applications();
    await stillWanted(session, token);
    return workspaceSymbols(query, applications);
  });
  addNotifications(connection, session);
}

function addNotifications(connection: Connection, session: Session): void {
  const { workspace } = session;

  /** A notification has no answer: what is wrong with it goes to the editor's log. */
  function on(method: string, take: (params: Params) => void): void {
    connection.onNotification(method, (given: unknown) => {
      try {
        take(recordOf(given ?? {}, "params"));
      } catch (error) {
        connection.console.error(`${method}: ${(error as Error).message}`);
      }
    });
  }

  on("textDocument/didOpen", (params) => {
    const { uri, version, text } = recordOf(params["textDocument"], "textDocument");
    const name = textOf(uri, "textDocument.uri");
    if (!session.serves(name)) return;
    session.changed(name, isNumber(version) ? version : 0, textOf(text, "textDocument.text"));
  });
  on("textDocument/didChange", (params) => {
    const uri = uriOf(params);
    const open = workspace.document(uri);
    if (!open) throw invalid(`the document ${uri} is not open`);
    const { version } = recordOf(params["textDocument"], "textDocument");
    const { contentChanges } = params;
    if (!Array.isArray(contentChanges)) throw invalid("contentChanges must be a list");
    const changes = contentChanges.map((given: unknown) => {
      const change = recordOf(given, "a change");
      const text = textOf(change["text"], "the text of a change");
      return change["range"] === undefined
        ? { text }
        : { text, range: rangeOf(change["range"], "the range of a change") };
    });
    const next = isNumber(version) ? version : open.document.version + 1;
    // A copy: requests that are being answered keep the text that they began with.
    const copy = TextDocument.create(uri, "", next, open.text);
    session.changed(uri, next, TextDocument.update(copy, changes, next).getText());
  });
  on("textDocument/didClose", (params) => session.closed(uriOf(params)));
  on("textDocument/didSave", () => session.filesChanged());
  on("workspace/didChangeWatchedFiles", () => session.filesChanged());
  on("workspace/didChangeConfiguration", ({ settings }) => {
    session.configure(settings);
    session.checkApplications();
  });
  on("workspace/didChangeWorkspaceFolders", ({ event }) => {
    const { added, removed } = recordOf(event, "event");
    const uris = (list: unknown) =>
      Array.isArray(list)
        ? list.map((folder: unknown) => textOf(recordOf(folder, "a folder")["uri"], "uri"))
        : [];
    for (const uri of uris(removed)) workspace.removeFolder(uri);
    for (const uri of uris(added)) workspace.addFolder(uri);
    session.filesChanged();
  });
}
