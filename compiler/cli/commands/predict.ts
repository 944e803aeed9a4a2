/** @file `dlc predict`: a trained model applied to files or to JSON from stdin. */
import { readFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { DlcError, readCsvRows } from "@dlc/runtime";
import { type Run, text } from "../command.js";
import type { Console } from "../console.js";
import { engineOptions } from "../engine-options.js";
import { type AnyModel, findTrained, weightsOf } from "../generated.js";

type Row = Readonly<Record<string, unknown>>;

/** Rows predicted at a time. */
const chunk = 256;

const imageFile = /^\.(png|jpe?g|webp)$/i;

/** An image file is the value of the model's only image feature. */
function imageRow(model: AnyModel, path: string): Row {
  const images = Object.entries(model.definition.data?.features ?? {}).filter(
    ([, feature]) => feature.type === "image",
  );
  const [first] = images;
  if (first === undefined || images.length > 1) {
    const count = images.length === 0 ? "no image feature" : "several image features";
    throw new DlcError("bad-input", `${path} is an image, but the model has ${count}`, {
      place: path,
      help: "Pass JSON objects that name the features.",
    });
  }
  return { [first[0]]: path };
}

function parse(content: string, place: string): unknown {
  try {
    return JSON.parse(content);
  } catch (error) {
    throw new DlcError("bad-input", `${place} is not JSON: ${(error as Error).message}`, {
      place,
      help: "Give one JSON object per line, or an array of objects.",
    });
  }
}

function object(value: unknown, place: string): Row {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Row;
  throw new DlcError("bad-input", `${place} is not an object with the model's features`, { place });
}

/** A JSON array, one object, or an object per line. */
function jsonRows(content: string, place: string): Row[] {
  const whole = content.trimStart();
  if (whole.startsWith("[")) {
    const items = parse(content, place) as unknown[];
    return items.map((item, i) => object(item, `${place}, item ${i + 1}`));
  }
  const lines = content.split(/\r?\n/);
  const isOneObject = whole.startsWith("{") && extname(place) === ".json";
  if (isOneObject) return [object(parse(content, place), place)];
  return lines.flatMap((line, i) => {
    if (line.trim() === "") return [];
    const at = `${place}:${i + 1}`;
    return [object(parse(line, at), at)];
  });
}

async function stdin(): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("utf8");
}

async function rowsOf(model: AnyModel, input: string): Promise<readonly Row[]> {
  if (input === "-") return jsonRows(await stdin(), "stdin");
  const extension = extname(input.replace(/\.gz$/i, ""));
  if (imageFile.test(extension)) return [imageRow(model, resolve(input))];
  if (/^\.(csv|tsv)$/i.test(extension)) return readCsvRows(resolve(input), model.definition);
  return jsonRows(await readFile(input, "utf8"), input);
}

async function predictAll(model: AnyModel, rows: readonly Row[], console: Console): Promise<void> {
  for (let start = 0; start < rows.length; start += chunk) {
    const outputs = await model.predict(rows.slice(start, start + chunk));
    for (const output of outputs) console.result(JSON.stringify(output, plain));
  }
}

/** Typed arrays as arrays. */
function plain(_key: string, value: unknown): unknown {
  return ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<number>) : value;
}

export const run: Run = async ({ args, options, console }) => {
  const trained = await findTrained(args[0] as string, text(options, "runs") ?? "runs");
  const weights = resolve(weightsOf(trained, text(options, "weights")));
  const model = await trained.package.load({ ...engineOptions(options), weights });
  try {
    const given = (args[1] as readonly string[] | undefined) ?? [];
    for (const input of given.length === 0 ? ["-"] : given) {
      await predictAll(model, await rowsOf(model, input), console);
    }
    return "ok";
  } finally {
    await model.dispose();
  }
};
