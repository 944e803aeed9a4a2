/** @file `dlc inspect`: a model's layers, its resolved spec, its picture. */
import { writeFile } from "node:fs/promises";
import { basename, extname } from "node:path";
import { DlcError } from "@dlc/runtime/errors";
import type { LayerSummary } from "../../2-lower/lowered-model.js";
import { planLifetimes } from "../../4-optimize/plan-lifetimes.js";
import type { CompiledModel } from "../../compiled-model.js";
import type { SourceFiles } from "../../diagnostics/source-files.js";
import { concreteShape, formatShape } from "../../ir/shape.js";
import { on, type Run, text } from "../command.js";
import { compileModel } from "../compiling.js";
import type { Console } from "../console.js";
import { weightRows, weightTable } from "../initial-table.js";
import { resolvedOrigins } from "../resolved.js";
import { bytes, magnitude, table, thousands } from "../table.js";

/** Bytes of the layer's output for one example, as float32. */
const outputBytes = ({ output }: LayerSummary): number =>
  4 * concreteShape(output, 1).reduce((product, dim) => product * dim, 1);

interface Totals {
  readonly weights: number;
  readonly buffers: number;
  readonly flops: number;
  /** Bytes of the training program's state. */
  readonly stateBytes: number;
  /** Largest number of bytes alive at once in the training (or prediction) program at the spec's batch. */
  readonly peakBytes: number;
  readonly batch: number;
}

function totalsOf({ layers, state, programs, phases = [], spec }: CompiledModel): Totals {
  const sum = (of: (layer: LayerSummary) => number): number =>
    layers.reduce((total, layer) => total + of(layer), 0);
  const stateBytes = Object.values(state).reduce(
    (total, { shape }) => total + 4 * shape.reduce((product, dim) => product * dim, 1),
    0,
  );
  const batch = spec.train?.settings.batch ?? 1;
  return {
    weights: sum((l) => l.weights),
    buffers: sum((l) => l.buffers),
    flops: sum((l) => l.flops),
    stateBytes,
    peakBytes: Math.max(
      ...(phases.length > 0
        ? phases.map(({ train }) => planLifetimes(train).peakBytes(batch))
        : [planLifetimes(programs.train ?? programs.infer).peakBytes(batch)]),
    ),
    batch,
  };
}

function layerTable(model: CompiledModel): string {
  const columns = [
    { title: "layer" },
    { title: "type" },
    { title: "output" },
    { title: "weights", align: "right" },
    { title: "FLOPs", align: "right" },
    { title: "output size", align: "right" },
    { title: "reads" },
  ] as const;
  const rows = model.layers.map((layer) => [
    layer.name,
    layer.type,
    formatShape(layer.output),
    thousands(layer.weights + layer.buffers),
    magnitude(layer.flops),
    bytes(outputBytes(layer)),
    layer.inputs.join(", "),
  ]);
  const totals = totalsOf(model);
  const buffers = totals.buffers === 0 ? "" : ` and ${thousands(totals.buffers)} in buffers`;
  const trains = model.programs.train !== undefined || model.phases !== undefined;
  const program = trains ? "training step" : "prediction";
  return [
    table(columns, rows),
    "",
    `weights  ${thousands(totals.weights)}${buffers}`,
    `FLOPs    ${magnitude(totals.flops)} for one example, forward`,
    `memory   ${bytes(totals.stateBytes)} of state, ${bytes(totals.peakBytes)} of values at most in a ${program} with batch ${totals.batch}`,
  ].join("\n");
}

function resolved(model: CompiledModel, sources: SourceFiles): string {
  const columns = [{ title: "path" }, { title: "value" }, { title: "from" }] as const;
  const rows = resolvedOrigins(model).map(({ path, value, from, span }) => {
    const place =
      span === null
        ? ""
        : ` ${basename(span.file)}:${sources.position(span.file, span.start).line}`;
    return [path, JSON.stringify(value) ?? "", `${from}${place}`];
  });
  return table(columns, rows);
}

async function draw(file: string, { spec, layers }: CompiledModel): Promise<void> {
  const { htmlOf, svgOf } = await import("../picture.js");
  const draws = new Map([
    [".svg", svgOf],
    [".html", htmlOf],
  ]);
  const of = draws.get(extname(file).toLowerCase());
  if (of === undefined) {
    throw new DlcError("unknown-picture", `${file} is neither .svg nor .html`, {
      help: "Name the file *.svg or *.html.",
      reason: "usage",
    });
  }
  await writeFile(file, await of(spec.name, layers));
}

function json(model: CompiledModel, sources: SourceFiles, withOrigins: boolean): object {
  const { spec, layers, heads } = model;
  const origins = resolvedOrigins(model).map(({ path, value, from, span }) => ({
    path,
    value,
    from,
    line: span === null ? null : sources.position(span.file, span.start).line,
  }));
  return {
    name: spec.name,
    layers: layers.map((layer) => ({ ...layer, outputBytes: outputBytes(layer) })),
    totals: totalsOf(model),
    heads,
    weights: weightRows(model),
    ...(withOrigins ? { resolved: origins } : {}),
  };
}

export const run: Run = async (invocation) => {
  const { args, options } = invocation;
  const console: Console = invocation.console;
  const compiled = await compileModel(args[0] as string, invocation, { checkData: false });
  if (compiled === null) return "failed";
  const { model, sources } = compiled;
  const picture = text(options, "graph");
  if (picture !== undefined) {
    await draw(picture, model);
    console.note(`Wrote ${picture}`);
    if (!console.json) return "ok";
  }
  if (console.json) console.document(json(model, sources, on(options, "resolved")));
  else if (on(options, "weights")) console.result(weightTable(model));
  else if (on(options, "resolved")) console.result(resolved(model, sources));
  else console.result(layerTable(model));
  return "ok";
};
