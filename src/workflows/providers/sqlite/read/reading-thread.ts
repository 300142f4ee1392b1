import { WippyError } from "../../../../vm/error.ts";
import { JournalReader } from "./read.ts";
import type { ReadingAnswer, ReadingQuestion } from "./reading.ts";

// The thread behind `Reading`.

declare const self: Worker;

let reader: JournalReader | undefined;
let path = "";

function answer(question: ReadingQuestion): unknown {
  switch (question.type) {
    case "open":
      path = question.path;
      return undefined;
    case "close":
      reader?.close();
      reader = undefined;
      return undefined;
    case "list":
      return (reader ??= new JournalReader(path)).page(question.query);
    case "history":
      return (reader ??= new JournalReader(path)).packedHistory(question.runId, question.range);
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
