/** @file Prompts: what generated texts begin with, as ids of tokens. */
import { type TextFeature, type Tokenizer, tokenizerOf } from "../../data/tokens/index.js";
import { DlcError } from "../../errors.js";
import { type ModelDefinition, specialTokens } from "../../spec.js";
import { invalid } from "./conditions.js";

export interface TextOf {
  readonly name: string;
  readonly feature: TextFeature;
  readonly tokenizer: Tokenizer;
}

/** The text feature or target of this name, and its tokens. */
export function textOf({ data, facts }: ModelDefinition, name: string): TextOf {
  const feature = data?.targets[name] ?? data?.features[name];
  if (feature?.type !== "text") throw new Error(`'${name}' is no text`);
  return { name, feature, tokenizer: tokenizerOf(name, feature, facts) };
}

/**
 * The tokens of a prompt; of undefined: none.
 * @throws DlcError `empty-prompt`, `prompt-too-long`, `unknown-in-prompt`, `invalid-setting`.
 */
export function promptTokens(
  prompt: unknown,
  { tokenizer, name }: TextOf,
  maxLength: number,
): readonly number[] {
  if (prompt === undefined) return [];
  if (typeof prompt !== "string") {
    throw invalid(
      "prompt",
      `the prompt is ${prompt === null ? "null" : `a ${typeof prompt}`}, not text`,
    );
  }
  const ids: number[] = [];
  tokenizer.encode(prompt, (id) => ids.push(id));
  if (ids.length === 0) {
    throw new DlcError("empty-prompt", "the prompt is empty", {
      place: "prompt",
      help: "Leave it out to generate from the beginning.",
    });
  }
  if (ids.includes(specialTokens.unknown)) throw unknown(prompt, ids, name, tokenizer);
  if (ids.length >= maxLength) {
    throw new DlcError(
      "prompt-too-long",
      `the prompt has ${ids.length} tokens, which leaves no room: there are ${maxLength} in all`,
      { place: "prompt", help: `Give at most ${maxLength - 1} tokens, such as its end.` },
    );
  }
  return ids;
}

function unknown(
  prompt: string,
  ids: readonly number[],
  name: string,
  tokenizer: Tokenizer,
): DlcError {
  const at = ids.indexOf(specialTokens.unknown);
  const what = JSON.stringify(tokenizer.split(prompt)[at]);
  const known = tokenizer.vocabulary.slice(Object.keys(specialTokens).length);
  const some = known.slice(0, 12).map((token) => JSON.stringify(token));
  return new DlcError(
    "unknown-in-prompt",
    `${what} of the prompt is not in the vocabulary of '${name}'`,
    {
      place: `prompt, token ${at + 1}`,
      help: `Write it with tokens of the training data: ${some.join(", ")}${known.length > 12 ? ", …" : ""}.`,
    },
  );
}
