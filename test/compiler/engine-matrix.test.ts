/** @file The matrix of ops and engines: what is counted, and what the words in it mean. */
import { DlcError, type EngineEntry, engineEntries, type OpKind } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import { opKinds } from "../../compiler/ops/index.js";
import {
  cellText,
  columnTitle,
  engineMatrix,
  verdictOf,
} from "../../compiler/reference/engine-matrix.js";
import { enginesPage } from "../../compiler/reference/engines-page.js";
import { allSamples, sampleBatch, sampleProgram } from "../../compiler/reference/op-samples.js";
import { drawInputs } from "../support/op-samples.js";
import { createReferenceOps } from "../support/reference-ops.js";

type KernelsOf = NonNullable<EngineEntry["kernelsOf"]>;

const entry = (
  name: string,
  devices: readonly string[],
  kernelsOf: KernelsOf | undefined,
  lacks: readonly OpKind[] = [],
): EngineEntry => ({
  name,
  devices,
  onRequest: [],
  lacks,
  probe: () => Promise.reject(new Error("the matrix looks for no hardware")),
  start: () => Promise.reject(new Error("the matrix starts nothing")),
  ...(kernelsOf === undefined ? {} : { kernelsOf }),
});
/** So many kernels for a program. */
const counting =
  (count: (kind: string, device: string) => number): KernelsOf =>
  async (device, { program }) =>
    Array.from({ length: count(program.name, device) }, () => "Kernel");

describe("the matrix", () => {
  it("has a cell for every op of every engine that records, without hardware", async () => {
    const { columns, absent } = await engineMatrix(engineEntries);
    expect(absent).toEqual([]);
    expect(columns.map(({ engine }) => engine)).toEqual(
      expect.arrayContaining(
        engineEntries.flatMap(({ name, kernelsOf }) => (kernelsOf === undefined ? [] : [name])),
      ),
    );
    for (const { cells } of columns) expect([...cells.keys()]).toEqual(opKinds);
  });

  it("puts devices together that compute all ops in the same way", async () => {
    const same = counting((_, device) => (device === "other" ? 2 : 1));
    const { columns } = await engineMatrix([entry("one", ["gpu", "other", "cpu"], same)]);
    expect(columns.map(columnTitle)).toEqual(["one:gpu, cpu", "one:other"]);
  });

  it("leaves out engines that do not record, and names those that cannot here", async () => {
    const missing: KernelsOf = () =>
      Promise.reject(new DlcError("engine-missing", "its package is not installed"));
    const entries = [entry("silent", ["cpu"], undefined), entry("absent", ["cpu"], missing)];
    expect(await engineMatrix(entries)).toEqual({
      columns: [],
      absent: [{ title: "absent:cpu", reason: "its package is not installed" }],
    });
    await expect(enginesPage(entries)).rejects.toThrow("absent:cpu: its package is not installed");
  });

  it("does not hide a fault of an engine", async () => {
    const broken: KernelsOf = () => Promise.reject(new TypeError("x is not a function"));
    await expect(engineMatrix([entry("broken", ["cpu"], broken)])).rejects.toThrow("x is not");
  });

  it("calls what an engine lacks unsupported, and does not record it", async () => {
    const kernelsOf = counting((kind) => {
      if (kind === "erf") throw new Error("it was recorded");
      return 1;
    });
    const { columns } = await engineMatrix([entry("one", ["cpu"], kernelsOf, ["erf"])]);
    expect(columns[0]?.cells.get("erf")).toBe(null);
  });

  it.each([
    [null, "unsupported", "unsupported"],
    [{ fewest: 0, most: 1 }, "native", "native"],
    [{ fewest: 1, most: 1 }, "native", "native"],
    [{ fewest: 1, most: 3 }, "native", "native, up to 3"],
    [{ fewest: 2, most: 2 }, "expanded", "expanded, 2"],
    [{ fewest: 2, most: 7 }, "expanded", "expanded, 2 to 7"],
  ] as const)("calls %j %s", (cell, verdict, text) => {
    expect(verdictOf(cell)).toBe(verdict);
    expect(cellText(cell)).toBe(text);
  });
});

it.for(allSamples)("$title is a program that gives what it declares", (sample) => {
  const { program, state } = sampleProgram(sample);
  const given = Object.values(drawInputs(sample));
  const byName = (letter: string) =>
    Object.fromEntries(given.map((tensor, i) => [`${letter}${i}`, tensor]));
  const results = program.run(createReferenceOps(), {
    inputs: byName("x"),
    state: byName("s"),
    scalars: {},
    n: sampleBatch,
  });
  const typeOf = ({ dtype, shape }: { dtype: string; shape: readonly unknown[] }) => [
    dtype,
    ...shape,
  ];
  const types = (tensors: Readonly<Record<string, Parameters<typeof typeOf>[0]>>) =>
    Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, typeOf(tensor)]));
  expect(types(results.outputs)).toEqual(types(program.outputs));
  expect(types(results.state)).toEqual(types(state));
  // An update without state would not be the engine's own.
  expect(program.updates.length > 0).toBe(sample.kind.startsWith("apply"));
});
