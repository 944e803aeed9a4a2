/** @file Classes that no row trains. */
import { createModel, type ModelDefinition, type TrainEvent } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import { checkData, factProblems, fitFacts } from "../../../runtime/data/index.js";
import type { DataSpec, SourceSpec, SplitSpec } from "../../../runtime/spec.js";
import { tinyModel } from "../../support/tiny-model.mjs";
import { engine, runFolders } from "../../support/tiny-runs.js";
import { csvSource, dataSpec, feature, folder, idxFile, noSplit, put } from "./support.js";

const base = folder();
const mixed = csvSource(put(base, "mixed.csv", "x,kind\n1,cat\n2,dog\n3,cat\n4,dog\n"));
const sorted = csvSource(put(base, "sorted.csv", "x,kind\n1,cat\n2,cat\n3,dog\n4,dog\n"));

function pets(
  source: SourceSpec,
  classes: readonly string[] | null,
  split: Partial<SplitSpec> = {},
): DataSpec {
  return dataSpec(source, {
    split: { ...noSplit, ...split },
    features: { x: feature.number("x") },
    targets: { kind: feature.category("kind", classes) },
  });
}

const messages = async (spec: DataSpec): Promise<[string, string, string][]> =>
  (await checkData(spec, { base })).map(({ code, path, message }) => [code, path, message]);

describe("checking a small table", () => {
  it("finds nothing where every class has rows", async () => {
    expect(await messages(pets(mixed, ["cat", "dog"]))).toEqual([]);
    expect(await messages(pets(sorted, ["cat", "dog"], { validation: 1, method: "last" }))).toEqual(
      [],
    );
  });

  it("names the classes without rows, of features too", async () => {
    const spec = pets(mixed, ["cat", "dog", "cow"]);
    expect(
      await messages({
        ...spec,
        features: { race: feature.category("kind", ["cat", "dog", "ox"]) },
      }),
    ).toEqual([
      [
        "class-without-rows",
        "features.race",
        "no row of the training split has the class \"ox\" of 'race'",
      ],
      [
        "class-without-rows",
        "targets.kind",
        "no row of the training split has the class \"cow\" of 'kind'",
      ],
    ]);
    const [[, , message] = []] = await messages(pets(mixed, ["cat", "dog", "cow", "hen"]));
    expect(message).toBe("no row of the training split has the classes cow, hen of 'kind'");
  });

  it("looks at the rows that train, not at those that are held back", async () => {
    const held = { validation: 2, method: "last" } as const;
    expect(await messages(pets(sorted, ["cat", "dog"], held))).toEqual([
      [
        "single-class",
        "targets.kind",
        "'kind' has only one class, \"cat\", in the training split of 2 rows: a classifier needs two",
      ],
    ]);
    const apart = {
      ...pets(mixed, ["cat", "dog"]),
      validation: csvSource(put(base, "cats.csv", "x,kind\n1,cat\n")),
    };
    expect(await messages(apart)).toEqual([]);
  });

  it("counts one row as one row", async () => {
    const one = csvSource(put(base, "one.csv", "x,kind\n1,cat\n"));
    const [[, , message] = []] = await messages(pets(one, ["cat", "dog"]));
    expect(message).toContain("of 1 row:");
  });

  it("lets a feature be the same in all rows", async () => {
    const path = put(base, "feature.csv", "x,kind,other\n1,cat,a\n2,cat,b\n");
    const spec = dataSpec(csvSource(path), {
      features: { kind: feature.category("kind", ["cat", "dog"]) },
      targets: { other: feature.category("other", ["a", "b"]) },
    });
    expect((await messages(spec)).map(([code]) => code)).toEqual(["class-without-rows"]);
  });

  it("finds a split by hash that leaves a part empty", async () => {
    const spec = pets(mixed, ["cat", "dog"], { validation: 1e-9, method: "hash", by: ["x"] });
    expect((await messages(spec)).map(([code, path]) => [code, path])).toEqual([
      ["empty-split", "split"],
    ]);
  });
});

it("counts the labels of a small binary file, whatever the split", async () => {
  const images = put(base, "images.idx", idxFile(8, [4, 1, 1], Buffer.alloc(4)));
  const spec = (labels: readonly number[]): DataSpec =>
    dataSpec(
      {
        kind: "idx",
        files: { images, labels: put(base, "labels.idx", idxFile(8, [4], Buffer.from(labels))) },
      },
      {
        split: { ...noSplit, validation: 1 },
        features: { image: feature.image("images", [1, 1, 1]) },
        targets: { digit: feature.category("labels", ["0", "1", "2"]) },
      },
    );
  expect(await messages(spec([0, 1, 2, 0]))).toEqual([]);
  expect((await messages(spec([0, 1, 1, 0]))).map(([code]) => code)).toEqual([
    "class-without-rows",
  ]);
  expect(await messages(spec([1, 1, 1, 1]))).toEqual([
    [
      "single-class",
      "targets.digit",
      expect.stringContaining('only one class, "1", in the training split:'),
    ],
  ]);
});

it("finds the same in what was fitted to the training split", async () => {
  const problems = async (spec: DataSpec): Promise<string[]> =>
    factProblems(spec, await fitFacts(spec, { base })).map(({ code }) => code);
  expect(await problems(pets(sorted, null))).toEqual([]);
  expect(await problems(pets(sorted, null, { validation: 2, method: "last" }))).toEqual([
    "single-class",
  ]);
  expect(await problems(pets(sorted, ["cat", "dog", "cow"]))).toEqual(["class-without-rows"]);
});

describe("training on files", () => {
  const newRun = runFolders();
  const definition = tinyModel({ settings: { epochs: 1 } });

  async function train(labels: readonly string[]): Promise<TrainEvent[]> {
    const rows = labels.map((y, i) => ({ x: [i / 10, 1], y }));
    const source = { kind: "json", path: put(base, "rows.json", JSON.stringify(rows)), at: null };
    const model = await createModel(
      { ...definition, data: { ...definition.data, source } } as ModelDefinition,
      { engine, base },
    );
    const events: TrainEvent[] = [];
    try {
      await model.train({ run: newRun(), onEvent: (event) => void events.push(event) });
    } finally {
      await model.dispose();
    }
    return events;
  }

  it("warns of a class without rows", async () => {
    const events = await train(["red", "green", "red", "green"]);
    expect(events.filter(({ kind }) => kind === "warning")).toEqual([
      {
        kind: "warning",
        code: "class-without-rows",
        message: "no row of the training split has the class \"blue\" of 'y'",
      },
    ]);
    const complete = await train(["red", "green", "blue"]);
    expect(complete.filter(({ kind }) => kind === "warning")).toEqual([]);
  });

  it("does not begin where there is one class only", async () => {
    await expect(train(["red", "red", "red"])).rejects.toMatchObject({ code: "single-class" });
  });
});
