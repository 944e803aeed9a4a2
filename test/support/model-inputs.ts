/** @file Models of `models/` as definitions, and numbers that fit the inputs of their programs. */
import {
  allocate,
  type HostTensor,
  type ModelDefinition,
  type Program,
  random,
  sizeOf,
  specialTokenNames,
  specialTokens,
} from "@dlc/runtime";
import { emitPackage } from "../../compiler/5-emit/emit-package.js";
import { compile } from "../../compiler/pipeline.js";
import { createWorkspace } from "./emitted.js";

/** The definition that the package of a spec exports. */
export async function loadDefinition(spec: string): Promise<ModelDefinition> {
  const { model } = await compile(spec, { checkData: false });
  if (model === null) throw new Error(`${spec} does not compile`);
  const workspace = createWorkspace();
  workspace.add(await emitPackage(model));
  const path = `generated/${model.spec.name}/index.js`;
  return ((await workspace.load(path)) as { definition: ModelDefinition }).definition;
}

/** Ids of a text's tokens: the first example is as long as it may be, and none is empty. */
function tokens(definition: ModelDefinition, name: string, length: number, key: number) {
  const ordinary = (definition.facts[name]?.vocabulary?.length ?? 0) - specialTokenNames.length;
  return (i: number): number => {
    const row = Math.floor(i / length);
    const end = row === 0 ? length : 1 + Math.floor(length * random.uniform(row, key));
    return i % length < end
      ? specialTokenNames.length + Math.floor(ordinary * random.uniform(i, key))
      : specialTokens.pad;
  };
}

/** Numbers that fit an input: pixels, class numbers, tokens, or numbers around 0. */
function drawn(
  definition: ModelDefinition,
  name: string,
  program: Program,
  n: number,
  draw: number,
): HostTensor {
  const spec = program.inputs[name];
  if (spec === undefined) throw new Error(`no input ${name}`);
  const shape = spec.shape.map((dim) => (dim === "n" ? n : dim));
  const key = draw === 0 ? random.keyOf(name) : random.derive(random.keyOf(name), draw);
  const feature = definition.data?.targets[name] ?? definition.data?.features[name];
  const classes = feature?.type === "category" ? (feature.classes?.length ?? 2) : 0;
  const draws = {
    u8: (i: number) => Math.floor(256 * random.uniform(i, key)),
    i32:
      feature?.type === "text"
        ? tokens(definition, name, feature.length, key)
        : (i: number) => Math.floor(classes * random.uniform(i, key)),
    f32: (i: number) => random.normal(i, key),
  };
  const dtype = spec.dtype as keyof typeof draws;
  const data = allocate(dtype, sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = draws[dtype](i);
  return { dtype, shape, data };
}

/** A batch of `n` for a program; other `draw`s give other numbers. */
export function sampleInputs(
  definition: ModelDefinition,
  program: Program,
  n: number,
  draw = 0,
): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.keys(program.inputs).map((name) => [name, drawn(definition, name, program, n, draw)]),
  );
}
