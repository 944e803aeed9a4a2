/** @file Emitted packages: they type-check, compute what the graph computes, and depend on nothing else. */
import type { HostTensor } from "@dlc/runtime";
import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import { describe, expect, it } from "vitest";
import type { ResolvedSpec } from "../../compiler/1-load/resolved-spec.js";
import { type EmittedPackage, emitPackage } from "../../compiler/5-emit/emit-package.js";
import { createEmitter } from "../../compiler/5-emit/typescript.js";
import type { CompiledModel } from "../../compiler/compiled-model.js";
import { Diagnostics } from "../../compiler/diagnostics/report.js";
import { SourceFiles } from "../../compiler/diagnostics/source-files.js";
import { evaluateGraph } from "../../compiler/ir/evaluate.js";
import type { ReferenceTensor } from "../../compiler/ops/define-op.js";
import { compileSpec } from "../../compiler/pipeline.js";
import { createWorkspace, loadProgram } from "../support/emitted.js";
import { randomValues } from "../support/graphs.js";
import { benign, handModel, handYaml } from "../support/hand-model.js";
import { createReferenceOps, type ReferenceCall } from "../support/reference-ops.js";
import { category, image, numeric, specOf, vector } from "../support/spec.js";

const emitter = createEmitter();
const emit = (model: CompiledModel): Promise<EmittedPackage> => emitPackage(model, { emitter });

function compiled(spec: ResolvedSpec, facts = {}): CompiledModel {
  const diagnostics = new Diagnostics();
  const model = compileSpec(spec, facts, new SourceFiles(), diagnostics);
  expect(diagnostics.all.filter(({ severity }) => severity === "error")).toEqual([]);
  return model as CompiledModel;
}

const convolutional = (): CompiledModel =>
  compiled({
    ...specOf({
      features: { picture: image(8, 8, 3) },
      targets: { animal: category(["cat", "dog", "cow"]) },
      layers: [
        "- conv2d: { filters: 4, kernel: 3, padding: same, bias: false }",
        "- batch_norm",
        "- relu",
        "- max_pool2d: 2",
        "- { conv2d: { filters: 4, kernel: 3, padding: same, activation: relu }, as: body }",
        "- add: [body, max_pool2d_1]",
        "- flatten",
        "- dropout: 0.5",
        "- dense: 3",
      ].join("\n"),
      train: { optimizer: { kind: "adam" }, clipNorm: 1, ema: 0.9, accumulate: 4, l2: 0.01 },
    }),
    name: "animals",
  });

const tabular = (): CompiledModel =>
  compiled(
    {
      ...specOf({
        features: { age: numeric("standard"), job: category(["a", "b"]), rest: vector(3) },
        targets: { price: numeric() },
        layers: "- dense: { units: 8, activation: tanh }\n- dense: 1",
        train: { losses: [{ kind: "mse" }], optimizer: { kind: "sgd", momentum: 0.9 } },
      }),
      name: "prices",
    },
    { age: { mean: [40], deviation: [12] } },
  );

const untrained = (): CompiledModel =>
  compiled({ ...specOf({ features: { x: vector(4) }, layers: "- dense: 2" }), name: "frozen" });

const models: Readonly<Record<string, () => CompiledModel>> = {
  "a hand-built classifier": handModel,
  "a convolutional network with everything": convolutional,
  "a regression on a table": tabular,
  "a network without training": untrained,
};

it("writes packages that type-check under the strictest settings", async () => {
  const workspace = createWorkspace();
  for (const model of Object.values(models)) workspace.add(await emit(model()));
  expect(await workspace.typeErrors()).toEqual([]);
});

describe.each(Object.entries(models))("%s", (_, make) => {
  it("computes exactly what its graphs compute", async () => {
    const workspace = createWorkspace();
    const model = make();
    workspace.add(await emit(model));
    for (const [key, graph] of Object.entries(model.programs)) {
      for (const n of [1, 3]) {
        const program = await loadProgram(workspace, model.spec.name, key);
        const values = randomValues(graph, n);
        const results = program.run(createReferenceOps(), {
          inputs: values,
          scalars: values,
          state: values,
          n,
        });
        const expected = evaluateGraph(graph, values, n);
        const actual = {
          ...results.outputs,
          ...Object.fromEntries(
            Object.entries(results.state).map(([name, value]) => [`state:${name}`, value]),
          ),
        };
        expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
        for (const [name, tensor] of Object.entries(actual)) expect(tensor).toEqual(expected[name]);
      }
    }
  });

  it("describes its programs as they are", async () => {
    const workspace = createWorkspace();
    const model = make();
    workspace.add(await emit(model));
    for (const [key, graph] of Object.entries(model.programs)) {
      const program = await loadProgram(workspace, model.spec.name, key);
      const n = 2;
      const asked = { inputs: new Set(), scalars: new Set(), state: new Set() };
      const values = randomValues(graph, n);
      const watch = (group: keyof typeof asked): Record<string, ReferenceTensor> =>
        new Proxy(values, {
          get: (target, name) => {
            asked[group].add(name);
            return target[String(name)];
          },
        });
      const results = program.run(createReferenceOps(), {
        inputs: watch("inputs"),
        scalars: watch("scalars"),
        state: watch("state"),
        n,
      });
      expect(new Set(Object.keys(program.inputs))).toEqual(asked.inputs);
      expect(new Set(Object.keys(program.scalars))).toEqual(asked.scalars);
      expect(new Set(program.reads)).toEqual(asked.state);
      expect(program.updates).toEqual(Object.keys(results.state));
      for (const [name, { dtype, shape }] of Object.entries(program.outputs)) {
        const result = results.outputs[name] as unknown as HostTensor;
        expect([result.dtype, result.shape]).toEqual([
          dtype,
          shape.map((d) => (d === "n" ? n : d)),
        ]);
      }
    }
  });

  it("comments every value with its type and shape", async () => {
    const model = make();
    const { files } = await emit(model);
    const text = [files.get("infer.ts"), files.get("train.ts")].join("\n");
    const statements = text.match(/^ {2}const [\s\S]*?;.*$/gm) ?? [];
    expect(statements.length).toBeGreaterThan(0);
    for (const statement of statements) {
      expect(statement).toMatch(/; \/\/ (?:(?:, )?(?:f32|i32|u32|u8|bool)(?:\[[\dn,]+\])?)+$/);
    }
    const long = text.split("\n").filter((line) => line.length > 100);
    expect(long.length / text.split("\n").length).toBeLessThan(0.05);
  });

  it("names the layer before each of its operations", async () => {
    const workspace = createWorkspace();
    const model = make();
    workspace.add(await emit(model));
    const graph = model.programs.infer;
    const program = await loadProgram(workspace, model.spec.name, "infer");
    const values = randomValues(graph, 1);
    const calls: ReferenceCall[] = [];
    program.run(createReferenceOps(calls), {
      inputs: values,
      scalars: values,
      state: values,
      n: 1,
    });
    const layers = new Set(model.spec.layers.map(({ name }) => name));
    const scopes = calls.map(({ scope }) => scope);
    expect(scopes.some((scope) => layers.has(scope))).toBe(true);
    expect(scopes.every((scope) => scope !== "")).toBe(true);
  });
});

describe("the typed API", () => {
  const caller = (lines: readonly string[]): string =>
    [
      'import { type Label, load, type Output } from "./generated/hand/index.js";',
      'const model = await load({ weights: "runs/hand" });',
      ...lines,
      "export type { Label, Output };",
    ].join("\n");

  it("knows the shape of inputs, the names of classes and the metrics", async () => {
    const workspace = createWorkspace();
    workspace.add(await emit(handModel()));
    workspace.write(
      "right.ts",
      caller([
        "const image = { shape: [5, 5, 1], data: new Uint8Array(25) } as const;",
        "const { label, probabilities } = await model.predict({ image });",
        'export const name: "zero" | "one" | "two" = label;',
        "export const first: number = probabilities.zero;",
        "const { metrics } = await model.evaluate();",
        "export const measured: number = metrics.accuracy + metrics.top_2 + metrics.loss;",
        "const all: Output[] = await model.predict([{ image }, { image }]);",
        "export const labels: Label[] = all.map((output) => output.label);",
      ]),
    );
    expect(await workspace.typeErrors()).toEqual([]);
    const wrong = [
      "await model.predict({ image: { shape: [4, 5, 1] as const, data: [] } });",
      "await model.predict({});",
      "await model.generate();",
      "await model.predict({ picture: { shape: [5, 5, 1] as const, data: [] } });",
      'export const label: "nought" = (await model.predict({} as never)).label;',
      "export const x = (await model.predict({} as never)).probabilities.three;",
      "export const y = (await model.evaluate()).metrics.recall;",
    ];
    wrong.forEach((line, i) => {
      workspace.write(`wrong${i}.ts`, caller([line]));
    });
    const errors = await workspace.typeErrors();
    const files = errors.map((error) => error.slice(0, error.indexOf("(")));
    expect(files).toEqual(wrong.map((_, i) => `wrong${i}.ts`));
  });
});

it("says in its package.json what the spec says it is for", async () => {
  const describedAs = async (description: string | null): Promise<unknown> => {
    const model = tabular();
    const { files } = await emit({ ...model, spec: { ...model.spec, description } });
    return JSON.parse(files.get("package.json") as string).description;
  };
  for (const text of ["Prices of flats.", '"},\n"scripts": {"postinstall": "x"}', "\u2028*/"]) {
    expect(await describedAs(text)).toBe(text);
  }
  expect(await describedAs(null)).toBe("Generated by dlc");
});

describe("reproducibility", () => {
  it("gives the same bytes wherever the spec lies", async () => {
    const one = await emit(handModel());
    const two = await emit(handModel({ ...benign, file: "/elsewhere/deep/er/spec.yaml" }));
    expect([...two.files]).toEqual([...one.files]);
  });

  it("gives the same bytes when nothing but the machine differs", async () => {
    const before = await emit(convolutional());
    const { TZ, LANG } = process.env;
    const folder = process.cwd();
    try {
      Object.assign(process.env, { TZ: "Pacific/Chatham", LANG: "tr_TR.UTF-8" });
      process.chdir("/");
      expect([...(await emit(convolutional())).files]).toEqual([...before.files]);
    } finally {
      process.chdir(folder);
      Object.assign(process.env, { TZ: TZ ?? "", LANG: LANG ?? "" });
    }
  });

  it("writes neither absolute paths nor carriage returns", async () => {
    const { files } = await emit(handModel({ ...benign, file: "/home/someone/secret/spec.yaml" }));
    for (const text of files.values()) {
      expect(text).not.toContain("someone");
      expect(text).not.toContain("\r");
    }
  });

  it("finds the spec from wherever the package is put", async () => {
    const model = handModel();
    const near = await emitPackage(model, { emitter, outDir: "/project/generated" });
    expect([...near.files]).toEqual([...(await emit(model)).files]);
    const far = await emitPackage(model, { emitter, outDir: "/other/a b" });
    expect(far.files.get("index.ts")).toContain('"../../../project/", import.meta.url)');
    const map = JSON.parse(far.files.get("infer.js.map") as string) as { sources: string[] };
    expect(map.sources).toEqual(["../../../project/spec.yaml"]);
  });
});

describe("source maps", () => {
  it("lead each statement to the YAML of its layer", async () => {
    const { files } = await emit(handModel());
    const lines = handYaml.split("\n");
    const expected: readonly (readonly [file: string, code: string, yaml: string])[] = [
      ["infer", "const dense_1 = o.matmul(", "dense: 4"],
      ["infer", "const dense_2 = o.matmul(", "dense: 3"],
      ["train", "const d_dense_1_kernel = o.matmul(", "dense: 4"],
      ["train", "const loss = o.mean(", "{ loss: cross_entropy }"],
      ["infer", "export function infer(", "layers:"],
      ["train", "export function train(", "{ loss: cross_entropy }"],
      // An update has no place of its own: it belongs to the training section.
      ["train", "const [new_dense_1_bias, ", "{ loss: cross_entropy }"],
    ];
    for (const [file, code, yaml] of expected) {
      const map = new TraceMap(files.get(`${file}.js.map`) as string);
      const javascript = (files.get(`${file}.js`) as string).split("\n");
      const line = javascript.findIndex((text) => text.includes(code));
      expect(line, code).toBeGreaterThanOrEqual(0);
      const column = (javascript[line] as string).search(/\S/);
      const place = originalPositionFor(map, { line: line + 1, column });
      expect(place.source).toBe("../../spec.yaml");
      expect((lines[(place.line as number) - 1] as string).slice(place.column as number)).toBe(
        yaml,
      );
    }
  });

  it("hold the YAML and are named by the files they belong to", async () => {
    const { files } = await emit(handModel());
    for (const [path, text] of files) {
      if (!path.endsWith(".js")) continue;
      expect(text.endsWith(`//# sourceMappingURL=${path}.map`)).toBe(true);
    }
    const map = JSON.parse(files.get("train.js.map") as string) as { sourcesContent: string[] };
    expect(map.sourcesContent).toEqual([handYaml]);
  });
});
