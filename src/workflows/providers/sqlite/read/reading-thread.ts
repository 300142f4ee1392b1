import { WippyError } from "../../../../vm/error.ts";
import type { PayloadKeys } from "../../../cipher.ts";
import { JournalReader } from "./read.ts";
import type { ReadingAnswer, ReadingQuestion } from "./reading.ts";

// The thread behind `Reading`.

declare const self: Worker;

let reader: JournalReader | undefined;
let path = "";
let keys: PayloadKeys | undefined;

function answer(question: ReadingQuestion): unknown {
  switch (question.type) {
    case "open":
      ({ path, keys } = question);
      return undefined;
    case "close":
      reader?.close();
      reader = undefined;
      return undefined;
    case "list":
      return (reader ??= new JournalReader(path, keys)).page(question.query);
    case "history":
      return (reader ??= new JournalReader(path, keys)).packedHistory(
        question.runId,
        question.range,
      );
  }
}

self.onmessage = ({ data }: MessageEvent<ReadingQuestion>) => {
  let message: ReadingAnswer;
  try {
    message = { id: data.id, value: answer(data) };
  } catch (error) {
    message = { id: data.id, failure: WippyError.from(error).toJSON() };
  }
  self.postMessage(message);
};
