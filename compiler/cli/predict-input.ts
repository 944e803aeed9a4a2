/** @file The inputs of `dlc predict` as examples: image files, tables, JSON documents, JSON lines. */
import { accessSync, constants, createReadStream, statSync } from "node:fs";
import { extname, resolve } from "node:path";
import { type ModelDefinition, placedCsvRows } from "@dlc/runtime";
import { type Encoding, guessEncoding, notUtf8Because } from "@dlc/runtime/encoding";
import { DlcError, systemReason } from "@dlc/runtime/errors";

export type Example = Readonly<Record<string, unknown>>;

/** An example and, for messages, where it stands. */
export interface Placed {
  readonly example: Example;
  readonly place: string;
}

const imageFile = /^\.(png|jpe?g|webp)$/i;

/** The examples of an input, in portions as they arrive. `-`: JSON from stdin. */
export async function* examplesOf(
  definition: ModelDefinition,
  input: string,
): AsyncGenerator<readonly Placed[]> {
  const extension = extname(input.replace(/\.gz$/i, ""));
  if (input === "-") {
    yield* jsonExamples(process.stdin, "stdin");
  } else if (imageFile.test(extension)) {
    yield [{ example: imageExample(definition, input), place: input }];
  } else if (/^\.(csv|tsv)$/i.test(extension)) {
    const rows = await placedCsvRows(resolve(input), definition);
    yield rows.map(({ row, line }) => ({ example: row, place: `${input}:${line}` }));
  } else {
    yield* jsonExamples(createReadStream(input), input);
  }
}

/** @throws DlcError `input-unreadable` for the first input that cannot be read. */
export function requireReadable(inputs: readonly string[]): void {
  for (const input of inputs) {
    if (input === "-") continue;
    try {
      accessSync(input, constants.R_OK);
    } catch (error) {
      throw unreadable(input, systemReason(error) ?? String(error));
    }
    if (statSync(input).isDirectory()) throw unreadable(input, "it is a folder");
  }
}

function unreadable(input: string, reason: string): DlcError {
  return new DlcError("input-unreadable", `${input} cannot be read: ${reason}`, {
    place: input,
    help: "Check the path; - reads JSON from stdin.",
  });
}

/** An image file is the value of the model's only image feature. */
function imageExample({ data }: ModelDefinition, path: string): Example {
  const [first, second] = Object.entries(data?.features ?? {}).filter(
    ([, feature]) => feature.type === "image",
  );
  if (first !== undefined && second === undefined) return { [first[0]]: path };
  const count = first === undefined ? "no image feature" : "several image features";
  throw badInput(path, `an image, but the model has ${count}`, "Pass JSON objects instead.");
}

/**
 * JSON in any of three forms: an array of objects or one object, which are read to the end, or an
 * object per line, which are given out as they come.
 */
async function* jsonExamples(
  stream: AsyncIterable<unknown>,
  place: string,
): AsyncGenerator<readonly Placed[]> {
  /** Null until the first line has shown whether every line is a document. */
  let byLine: boolean | null = null;
  let rest = "";
  let line = 0;
  for await (const text of decoded(stream, place)) {
    rest += text;
    if (!text.includes("\n")) continue;
    byLine ??= isObject(rest.trimStart().split("\n", 1)[0] ?? "");
    if (!byLine) continue;
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    yield linesOf(lines, place, line);
    line += lines.length;
  }
  if (byLine) yield linesOf([rest], place, line);
  else if (rest.trim() !== "") yield documentOf(rest, place);
}

async function* decoded(stream: AsyncIterable<unknown>, place: string): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    let encoding: Encoding | null = null;
    for await (const bytes of stream) {
      encoding ??= guessEncoding(bytes as Buffer);
      if (encoding !== "UTF-8") throw notUtf8(place, encoding);
      yield decoder.decode(bytes as Buffer, { stream: true });
    }
    yield decoder.decode();
  } catch (cause) {
    if (cause instanceof TypeError) throw notUtf8(place, "UTF-8");
    if (cause instanceof DlcError) throw cause;
    const reason = systemReason(cause);
    if (reason === null) throw cause;
    throw unreadable(place, reason);
  }
}

const notUtf8 = (place: string, encoding: Encoding): DlcError =>
  badInput(place, notUtf8Because(encoding), "Save it as UTF-8.");

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function linesOf(lines: readonly string[], place: string, before: number): Placed[] {
  return lines.flatMap((line, i) => {
    if (line.trim() === "") return [];
    const at = `${place}:${before + i + 1}`;
    return [{ example: objectOf(parse(line, at), at), place: at }];
  });
}

function documentOf(text: string, place: string): Placed[] {
  const value = parse(text, place);
  if (!Array.isArray(value)) return [{ example: objectOf(value, place), place }];
  return value.map((item, i) => {
    const at = `${place}, item ${i + 1}`;
    return { example: objectOf(item, at), place: at };
  });
}

const jsonHelp = "Give an object with the model's features per line, or an array of such objects.";

function parse(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badInput(place, `not JSON: ${(error as Error).message}`, jsonHelp);
  }
}

function objectOf(value: unknown, place: string): Example {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Example;
  throw badInput(place, "not an object with the model's features", jsonHelp);
}

function badInput(place: string, problem: string, help: string): DlcError {
  return new DlcError("bad-input", `${place} is ${problem}`, { place, help });
}
