/** @file Plain text: one column, `text`, of lines, paragraphs or pieces of a number of characters. */

import { headBytes } from "../../encoding.js";
import { DataError } from "../errors.js";
import { decodeUtf8, privateBytes, readBytes, readHead, requireUtf8 } from "../file.js";
import { GrowingNumbers } from "../growing.js";
import { type DataPath, locate } from "../path.js";
import { type ColumnHeader, tableOf, unknownColumn } from "../table.js";
import type { SourceOf, SourceReader } from "./source.js";

const column = "text";

export const text: SourceReader<"text"> = {
  name: (source) => source.path,

  async read(source, { base, wants }) {
    for (const name of wants.keys()) {
      if (name !== column) throw unknownColumn(name, [column], source.path);
    }
    const file = locate(source.path, base);
    const { values, places, place } = cut[source.by](await readText(file), source.length, file);
    const at = (row: number): string => place(places.at(row));
    const columns = new Map([
      [column, { kind: "text" as const, rows: values.length, values, place: at }],
    ]);
    return tableOf(columns, file.shown);
  },

  async describe(source, { base }, report) {
    const header = new Map<string, ColumnHeader>();
    try {
      const file = locate(source.path, base);
      requireUtf8(file, await readHead(file, headBytes));
      header.set(column, { kind: "text", rows: null, shape: null, place: file.shown });
    } catch (error) {
      report(error);
    }
    return header;
  },
};

interface Pieces {
  readonly values: string[];
  /** What tells where each piece begins. */
  readonly places: GrowingNumbers;
  readonly place: (at: number) => string;
}

const cut: {
  readonly [By in SourceOf<"text">["by"]]: (
    whole: string,
    length: number,
    file: DataPath,
  ) => Pieces;
} = {
  line: (whole, _, file) => byLines(whole, file, "line"),
  paragraph: (whole, _, file) => byLines(whole, file, "paragraph"),
  characters: byCharacters,
};

/** Lines that hold more than white space, or runs of them. */
function byLines(whole: string, { shown }: DataPath, unit: "line" | "paragraph"): Pieces {
  const values: string[] = [];
  const places = new GrowingNumbers("i32");
  let open = false;
  let number = 0;
  for (const line of whole.split(/\r\n|\n|\r/)) {
    number++;
    const filled = line.trim() !== "";
    if (filled && open) {
      values.push(`${values.pop()}\n${line}`);
    } else if (filled) {
      values.push(line);
      places.push(number);
    }
    open = filled && unit === "paragraph";
  }
  return { values, places, place: (at) => `${shown}:${at}` };
}

/** Consecutive pieces of `length` code points; what is left at the end is the last. */
function byCharacters(whole: string, length: number, { shown }: DataPath): Pieces {
  const values: string[] = [];
  const places = new GrowingNumbers("i32");
  let start = 0;
  let characters = 0;
  for (let at = 0; at < whole.length; ) {
    at += (whole.codePointAt(at) as number) > 0xffff ? 2 : 1;
    characters++;
    if (characters % length !== 0 && at < whole.length) continue;
    values.push(whole.slice(start, at));
    places.push(values.length - 1);
    start = at;
  }
  return { values, places, place: (piece) => `${shown}, character ${piece * length + 1}` };
}

async function readText(file: DataPath): Promise<string> {
  const bytes = await readBytes(file, privateBytes);
  requireUtf8(file, bytes);
  if (bytes.length > mostBytes) {
    throw new DataError("data-too-large", `${file.shown} is too large for a text source`, {
      place: file.shown,
      help: "Take a part of it.",
    });
  }
  return decodeUtf8(file, bytes);
}

/** The longest string that Node.js can hold has somewhat more characters. */
const mostBytes = 2 ** 29 - 32;
