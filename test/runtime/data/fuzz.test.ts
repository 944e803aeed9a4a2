/** @file Thousands of damaged files per reader: each is read or refused, never a crash, never a hang. */
import { gzipSync } from "node:zlib";
import sharp from "sharp";
import { expect, it } from "vitest";
import { DlcError } from "../../../runtime/errors.js";
import { hash } from "../../../runtime/random.js";
import type { SourceSpec } from "../../../runtime/spec.js";
import { bytesOf, folder, idxFile, npyFile, put, read } from "./support.js";

const base = folder();

/** DLC_FUZZ=20 runs twenty times as many rounds. */
const effort = Number(process.env.DLC_FUZZ ?? 1);

/** Bytes that formats give a meaning to. */
const special = [0, 1, 2, 0x7f, 0x80, 0xff, ...Buffer.from("\",\r\n;[]{}:()'0-9.eE\\")];

/** A damaged copy: bytes changed, inserted, removed, doubled, or the end cut off. */
function damage(seedFile: Uint8Array, n: number): Buffer {
  let draw = 0;
  const below = (limit: number) => hash(n * 64 + draw++, 0xda7a) % Math.max(1, limit);
  let bytes = Buffer.from(seedFile);
  for (let k = 1 + below(4); k > 0; k--) {
    const at = below(bytes.length + 1);
    const byte = below(2) === 0 ? special[below(special.length)]! : below(256);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    const changes = [
      () => Buffer.concat([before, Buffer.of(byte), after.subarray(1)]),
      () => Buffer.concat([before, Buffer.of(byte), after]),
      () => Buffer.concat([before, after.subarray(1 + below(8))]),
      () => Buffer.concat([before, before.subarray(-below(16) - 1), after]),
      () => before,
    ];
    bytes = Buffer.from(changes[below(changes.length)]!());
  }
  return bytes;
}

interface Subject {
  readonly file: Uint8Array;
  readonly source: (path: string) => SourceSpec;
  readonly columns: readonly string[];
  readonly rounds?: number;
  readonly name?: string;
}

const records = Buffer.alloc(2 * 3073, 5);
const png = await sharp(new Uint8Array(75).fill(99), { raw: { width: 5, height: 5, channels: 3 } })
  .png()
  .toBuffer();
const jpeg = await sharp(new Uint8Array(192).fill(9), { raw: { width: 8, height: 8, channels: 3 } })
  .jpeg()
  .toBuffer();
const idx = (path: string): SourceSpec => ({ kind: "idx", files: { x: path } });
const npy = (path: string): SourceSpec => ({ kind: "npy", files: { x: path } });
const plainText =
  (by: "line" | "characters") =>
  (path: string): SourceSpec => ({
    kind: "text",
    ...{ path, by, length: 3 },
  });
const csv = (path: string): SourceSpec => ({ kind: "csv", path, delimiter: ",", header: null });

const subjects: Record<string, Subject> = {
  idx: { file: idxFile(8, [3, 2, 2], Buffer.alloc(12, 7)), source: idx, columns: ["x"] },
  "idx of floats": {
    file: idxFile(0x0e, [2, 2], Buffer.alloc(32, 63)),
    source: idx,
    columns: ["x"],
  },
  "idx in gzip": {
    file: gzipSync(idxFile(8, [3, 2], Buffer.alloc(6, 7))),
    source: idx,
    columns: ["x"],
    rounds: 600,
  },
  npy: {
    file: npyFile(
      "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }",
      bytesOf(Float32Array.of(1, 2, 3, 4, 5, 6)),
    ),
    source: npy,
    columns: ["x"],
  },
  "lines of text": {
    file: Buffer.from("Größe 😀\n\n\ufeffone, two\r\nthree\n"),
    source: plainText("line"),
    columns: ["text"],
  },
  "pieces of text in gzip": {
    file: gzipSync("Größe 😀 one, two, three"),
    source: plainText("characters"),
    columns: ["text"],
    rounds: 600,
  },
  "csv of numbers": {
    file: Buffer.from('x,y\n1,2\n-3.5,4e2\n"5",6\r\n7,8\n'),
    source: csv,
    columns: ["x", "y"],
  },
  cifar: {
    file: records,
    source: (path) => ({ kind: "cifar", files: [path], classes: 10 }),
    columns: ["image", "label"],
    rounds: 500,
  },
  json: {
    file: Buffer.from('{"rows": [{"x": 1, "v": [1, 2]}, {"x": 2.5, "v": [3, 4]}]}'),
    source: (path) => ({ kind: "json", path, at: "rows" }),
    columns: ["x", "v"],
  },
  "json by class": {
    file: Buffer.from('{"a": "\\u00e9", "data": [[0, 255, 3.5], [1, -2, 1e3]]}'),
    source: (path) => ({ kind: "json_by_class", files: { a: path }, at: "data", column: "x" }),
    columns: ["x", "label"],
  },
  png: {
    file: png,
    source: () => ({ kind: "images", path: "png" }),
    columns: ["image", "label"],
    rounds: 600,
    name: "png/a/1.png",
  },
  jpeg: {
    file: jpeg,
    source: () => ({ kind: "images", path: "jpeg" }),
    columns: ["image", "label"],
    rounds: 600,
    name: "jpeg/a/1.jpeg",
  },
};

for (const [what, { file, source, columns, rounds = 1500, name }] of Object.entries(subjects)) {
  it(
    `survives damaged ${what}`,
    async () => {
      const path = name ?? what.replaceAll(" ", "-");
      const seen = { read: 0, refused: 0 };
      for (let n = 0; n < rounds * effort; n++) {
        put(base, path, damage(file, n));
        try {
          await read(source(path), base, columns, { image: { shape: [5, 5, 3], resize: true } });
          seen.read++;
        } catch (error) {
          if (!(error instanceof DlcError))
            throw new Error(`round ${n} of ${what}`, { cause: error });
          expect(error.message).not.toMatch(/undefined|\[object/);
          expect(error.help).not.toBe("");
          seen.refused++;
        }
      }
      expect(seen.refused).toBeGreaterThan((rounds * effort) / 10);
    },
    60_000 * effort,
  );
}
