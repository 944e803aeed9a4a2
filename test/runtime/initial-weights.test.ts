/** @file Weights that runs start from: element types, arranging, hostile files, and what is refused. */
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ArrangeStep, InitialWeights, StateSpec } from "@dlc/runtime";
import { afterAll, describe, expect, it } from "vitest";
import { arrange } from "../../runtime/checkpoint/foreign/arrange.js";
import { toFloat32 } from "../../runtime/checkpoint/foreign/elements.js";
import { startingPoint } from "../../runtime/checkpoint/foreign/initial.js";
import {
  hashWeights,
  locateWeights,
  readWeightsHeader,
} from "../../runtime/checkpoint/foreign/weights-file.js";
import { fromHalfBits } from "../../runtime/half.js";
import { sha256 } from "../../runtime/sha256.js";

const folder = mkdtempSync(join(tmpdir(), "dlc-weights-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A safetensors file from a header (an object, or its text) and the bytes after it. */
function fileOf(header: unknown, payload = 0, length?: bigint): Buffer {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(length ?? BigInt(text.length));
  return Buffer.concat([size, text, Buffer.alloc(payload)]);
}

let count = 0;
function write(content: Uint8Array): string {
  const name = `file-${++count}.safetensors`;
  writeFileSync(join(folder, name), content);
  return name;
}

const headerOf = async (name: string) => readWeightsHeader(await locateWeights(name, folder));
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "nothing",
    (error: { code?: string }) => error.code ?? String(error),
  );

describe("element types", () => {
  it("reads half precision: every kind of number", () => {
    const known: readonly (readonly [number, number])[] = [
      [0x0000, 0],
      [0x3c00, 1],
      [0xc000, -2],
      [0x7bff, 65504],
      [0x0400, 2 ** -14],
      [0x0001, 2 ** -24],
      [0x3555, 0.333251953125],
      [0x7c00, Number.POSITIVE_INFINITY],
      [0xfc00, Number.NEGATIVE_INFINITY],
    ];
    for (const [bits, value] of known) expect(fromHalfBits("f16", bits)).toBe(value);
    expect(fromHalfBits("f16", 0x7e00)).toBeNaN();
  });

  it("reads bfloat16 and doubles", () => {
    // 1.0, -2.5 and π in bfloat16: the upper halves of 0x3f800000, 0xc0200000, 0x40490fdb.
    const brain = Uint8Array.from([0x80, 0x3f, 0x20, 0xc0, 0x49, 0x40]);
    expect([...toFloat32("BF16", brain)]).toEqual([1, -2.5, 3.140625]);
    const doubles = new Uint8Array(Float64Array.from([0.1, -3]).buffer);
    expect([...toFloat32("F64", doubles)]).toEqual([Math.fround(0.1), -3]);
  });

  it("reads from any place in a buffer", () => {
    const bytes = new Uint8Array(9);
    new DataView(bytes.buffer).setFloat32(5, 1.5, true);
    expect([...toFloat32("F32", bytes.subarray(5))]).toEqual([1.5]);
  });
});

describe("arranging", () => {
  const range = (...shape: number[]) => ({
    shape,
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i),
  });
  const at = ({ shape, data }: ReturnType<typeof range>, ...index: number[]): number =>
    data[index.reduce((flat, i, axis) => flat * (shape[axis] as number) + i, 0)] as number;

  it("transposes any axes", () => {
    const x = range(2, 3, 4, 5);
    const y = arrange(x, [{ kind: "transpose", perm: [2, 0, 3, 1] }]);
    expect(y.shape).toEqual([4, 2, 5, 3]);
    for (const [a, b, c, d] of [
      [0, 0, 0, 0],
      [3, 1, 4, 2],
      [2, 0, 1, 2],
    ] as const) {
      expect(at(y as typeof x, a, b, c, d)).toBe(at(x, b, d, a, c));
    }
  });

  it("puts flattened images channels last, as a transposition of the image does", () => {
    const [c, h, w] = [3, 2, 4];
    const flat = range(2, c * h * w);
    const step: ArrangeStep = { kind: "channels_last", axis: 1, pieces: [[h, w, c]] };
    const wanted = arrange(flat, [
      { kind: "reshape", shape: [2, c, h, w] },
      { kind: "transpose", perm: [0, 2, 3, 1] },
    ]);
    expect([...arrange(flat, [step]).data]).toEqual([...wanted.data]);
  });

  it("leaves other pieces beside them alone", () => {
    const step: ArrangeStep = { kind: "channels_last", axis: 0, pieces: [[2], [2, 1, 2], [1]] };
    expect([...arrange(range(7), [step]).data]).toEqual([0, 1, 2, 4, 3, 5, 6]);
  });

  it("takes ranges in any order", () => {
    const step: ArrangeStep = {
      kind: "take",
      axis: 1,
      ranges: [
        [2, 4],
        [0, 1],
      ],
    };
    expect([...arrange(range(2, 4), [step]).data]).toEqual([2, 3, 0, 6, 7, 4]);
  });

  it("refuses steps that do not fit", () => {
    for (const step of [
      { kind: "reshape", shape: [7] },
      { kind: "take", axis: 0, ranges: [[0, 9]] },
      { kind: "take", axis: 3, ranges: [[0, 1]] },
      { kind: "channels_last", axis: 0, pieces: [[9, 9, 9]] },
    ] as const satisfies readonly ArrangeStep[]) {
      expect(() => arrange(range(6), [step])).toThrow(/does not fit/);
    }
  });
});

const tensor = (shape: readonly number[], from: number, to: number, dtype = "F32") => ({
  dtype,
  shape,
  data_offsets: [from, to],
});

describe("hostile headers", () => {
  const max = 2n ** 64n - 1n;
  const cases: readonly (readonly [name: string, file: Buffer])[] = [
    ["an empty file", Buffer.alloc(0)],
    ["a length that is cut off", Buffer.alloc(7)],
    ["a length beyond all files", fileOf({}, 0, max)],
    ["a length just beyond the file", fileOf({}, 0, 3n)],
    ["a length of 100 MB", fileOf({}, 0, 100_000_000n)],
    ["no JSON", fileOf("nonsense")],
    ["a list", fileOf("[]")],
    ["a name twice", fileOf('{"a":{},"a":{}}')],
    ["tensors that overlap", fileOf({ a: tensor([2], 0, 8), b: tensor([2], 4, 12) }, 12)],
    ["a hole", fileOf({ a: tensor([1], 0, 4), b: tensor([1], 8, 12) }, 12)],
    ["bytes that belong to nothing", fileOf({ a: tensor([1], 0, 4) }, 5)],
    ["a tensor beyond the file", fileOf({ a: tensor([100], 0, 400) }, 8)],
    ["a size that is not that of the shape", fileOf({ a: tensor([3], 0, 8) }, 8)],
    ["a shape that overflows", fileOf({ a: tensor([2 ** 40, 2 ** 40], 0, 8) }, 8)],
    ["a negative size", fileOf({ a: tensor([-1], 0, 4) }, 4)],
    ["offsets backwards", fileOf({ a: tensor([1], 4, 0) }, 4)],
    ["an element type that nobody knows", fileOf({ a: tensor([1], 0, 4, "F31") }, 4)],
    ["an element type from the prototype", fileOf({ a: tensor([1], 0, 4, "toString") }, 4)],
    ["an entry that is no object", fileOf({ a: null })],
  ];

  it.each(cases)("are refused: %s", async (_, content) => {
    // What does not begin as the format does is another one.
    const isOther = content.length > 8 && content[8] !== 0x7b;
    const code = isOther ? "not-safetensors" : "damaged-weights";
    expect(await codeOf(headerOf(write(content)))).toBe(code);
  });

  it("may name tensors as they like", async () => {
    const name = write(fileOf(`{"__proto__":${JSON.stringify(tensor([1], 0, 4))}}`, 4));
    const { entries } = await headerOf(name);
    expect(entries.map((entry) => entry.name)).toEqual(["__proto__"]);
  });

  it("are read without the tensors", async () => {
    const name = write(fileOf({ a: tensor([2 ** 28], 0, 2 ** 30) }));
    // A gigabyte that is not there: the file is sparse.
    const { size } = { size: readFileSync(join(folder, name)).length + 2 ** 30 };
    truncateSync(join(folder, name), size);
    const before = process.memoryUsage().arrayBuffers;
    const { entries } = await headerOf(name);
    expect(entries).toHaveLength(1);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 24);
  });
});

describe("files", () => {
  it("are found by what names them, or refused", async () => {
    mkdirSync(join(folder, "empty-run"));
    writeFileSync(join(folder, "best"), "{}");
    for (const name of ["nowhere.safetensors", "empty-run", "best", "npm:no-such-package-here/w"]) {
      expect([name, await codeOf(headerOf(name))]).toEqual([name, "weights-not-found"]);
    }
  });

  it("may be links, as caches have them", async () => {
    const name = write(fileOf({ a: tensor([1], 0, 4) }, 4));
    symlinkSync(join(folder, name), join(folder, "link.safetensors"));
    expect((await headerOf("link.safetensors")).entries).toHaveLength(1);
  });

  it("are hashed as a whole", async () => {
    const content = fileOf({ a: tensor([300_000], 0, 1_200_000) }, 1_200_000);
    const file = await locateWeights(write(content), folder);
    expect(await hashWeights(file)).toBe(sha256(content));
  });
});

describe("starting points", () => {
  const state: Readonly<Record<string, StateSpec>> = {
    "a.bias": { dtype: "f32", shape: [2], role: "weight", init: { kind: "zeros" }, layer: "a" },
    "a.bias:average": {
      dtype: "f32",
      shape: [2],
      role: "average",
      init: { kind: "copy", of: "a.bias" },
      layer: "a",
    },
  };
  const source = (name: string) => ({ name, shape: [2], steps: [] });
  const planFor = (from: string, ...names: string[]): InitialWeights => ({
    from,
    tensors: { "a.bias": names.map(source) },
  });
  const load = async (initial: InitialWeights, run = "run") =>
    (await startingPoint({ state, initial }, folder, join(folder, run))).load();
  const floats = (...numbers: number[]): Buffer => {
    const header = fileOf({ b: tensor([2], 8, 16), a: tensor([2], 0, 8) });
    return Buffer.concat([header, new Uint8Array(Float32Array.from(numbers).buffer)]);
  };

  it("add up what is several tensors there, and begin averages at the weights", async () => {
    const values = await load(planFor(write(floats(1, 2, 10, 20)), "a", "b"));
    expect([...(values["a.bias"]?.data ?? [])]).toEqual([11, 22]);
    expect(values["a.bias:average"]).toEqual(values["a.bias"]);
  });

  it("refuse a file that is not as it was planned for", async () => {
    const other = write(fileOf({ a: tensor([3], 0, 12) }, 12));
    expect(await codeOf(load(planFor(other, "a")))).toBe("weights-changed");
    expect(await codeOf(load(planFor(other, "c")))).toBe("weights-changed");
    const integers = write(fileOf({ a: tensor([2], 0, 8, "I32") }, 8));
    expect(await codeOf(load(planFor(integers, "a")))).toBe("weights-changed");
  });

  it("refuse numbers that are not finite", async () => {
    const name = write(floats(1, Number.NaN, 0, 0));
    expect(await codeOf(load(planFor(name, "a")))).toBe("damaged-weights");
  });

  it("refuse the run's own folder", async () => {
    const name = write(floats(1, 2, 3, 4));
    mkdirSync(join(folder, "own"));
    writeFileSync(join(folder, "own", name), readFileSync(join(folder, name)));
    expect(await codeOf(load(planFor(`own/${name}`, "a"), "own"))).toBe("starts-from-itself");
  });
});
