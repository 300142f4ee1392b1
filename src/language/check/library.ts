import type { Type } from "./types.ts";

/** What a module or another entry gives to those who require it. */
export interface Library {
  /** What `require` returns. */
  value: Type;
  /** The type that `alias.NAME` stands for; undefined where there is none. */
  type(name: string): Type | undefined;
  /** The names of its types. */
  typeNames(): string[];
}

/** What a text finds around itself. */
export interface Surroundings {
  /** What `require(name)` returns; undefined where that is not known. */
  require(name: string): Library | undefined;
  /** What a global holds that the text does not assign to; undefined where that is not known. */
  global(name: string): Library | undefined;
  /** The module that `name.Type` is of, where no local is of that name. */
  module(name: string): Library | undefined;
  /** Texts have the methods of Lua and no others, unless the text itself adds some. */
  fixed?: boolean;
}

/** The surroundings of a text of which nothing else is known. */
export const alone: Surroundings = {
  require: () => undefined,
  global: () => undefined,
  module: () => undefined,
};
