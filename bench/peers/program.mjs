/** @file A program of ours as a peer: state and inputs as the trainer gives them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createEngine, engineEntries } from "../../runtime/dist/index.js";
import { adam, initialWeights, makeBatch, names, sizeOf } from "../network.mjs";

export async function programPeer(peer) {
  const { name, batch, threads, program, specs, inputs, first, engine: wanted, device } = peer;
  const { engine } = await createEngine({ engine: wanted, device, threads });
  const values = Object.fromEntries(
    Object.entries(specs).map(([key, { shape, dtype }]) => [
      key,
      { dtype, shape, data: first[key] ?? new Float32Array(sizeOf(shape)) },
    ]),
  );
  const state = engine.createState(specs, values);
  const executable = await engine.prepare(program, batch);
  let updates = 0;
  async function step() {
    updates++;
    const { loss } = await executable.run({
      inputs,
      scalars: { learning_rate: adam.rate, step: updates, random_key: updates },
      state,
    });
    return loss.data[0];
  }
  return { name, step, close: () => engine.dispose() };
}

/** The training step written by hand (../cifar-program.mjs). */
export function handWrittenProgram({ batch, threads, name, program, specs }) {
  const { images, labels } = makeBatch(batch);
  return programPeer({
    name,
    batch,
    threads,
    program,
    specs,
    inputs: {
      image: { dtype: "u8", shape: [batch, 32, 32, 3], data: images },
      label: { dtype: "i32", shape: [batch], data: labels },
    },
    first: initialWeights(),
  });
}

/** Rows of the first dense layer in the order of channels-last images, which specs mean. */
function rowsChannelsLast(kernel) {
  const [pixels, channels, units] = [16, 64, 64];
  const result = new Float32Array(kernel.length);
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let c = 0; c < channels; c++) {
      const from = (c * pixels + pixel) * units;
      result.set(kernel.subarray(from, from + units), (pixel * channels + c) * units);
    }
  }
  return result;
}

/** The same step on another engine; null where it does not work (the reason goes to `report`). */
export async function generatedOn(title, settings) {
  const [engine, device] = title.split(":");
  const { threads } = settings;
  const entry = engineEntries.find(({ name }) => name === engine);
  const { availability, detail } = await entry.probe(device, { threads });
  if (availability !== "absent") return generatedProgram({ ...settings, engine, device });
  settings.report(`${title} is left out: ${detail}`);
  return null;
}

/** The training step that dlc generates from models/cifar10-cnn/spec.yaml. */
export async function generatedProgram({ batch, threads, engine = "onnx", device = "cpu" }) {
  const { compile } = await import("../../compiler/dist/pipeline.js");
  const { emitPackage } = await import("../../compiler/dist/5-emit/emit-package.js");
  const spec = fileURLToPath(new URL("../../models/cifar10-cnn/spec.yaml", import.meta.url));
  const { model, diagnostics } = await compile(spec, { checkData: false });
  if (model === null) throw new Error(diagnostics.all.map(({ message }) => message).join("\n"));
  const emitted = await emitPackage(model);
  const folder = mkdtempSync(join(tmpdir(), "dlc-bench-"));
  let program;
  try {
    for (const [path, text] of emitted.files) {
      if (path.endsWith(".js") || path === "package.json") writeFileSync(join(folder, path), text);
    }
    ({ trainProgram: program } = await import(pathToFileURL(join(folder, "train.js")).href));
  } finally {
    rmSync(folder, { recursive: true });
  }
  const given = initialWeights();
  given.w4 = rowsChannelsLast(given.w4);
  const trained = Object.keys(model.state).filter((key) => model.state[key].role === "weight");
  const first = Object.fromEntries(trained.map((key, i) => [key, given[names[i]]]));
  const { images, labels } = makeBatch(batch);
  return programPeer({
    name: `dlc, generated step on ${engine}`,
    engine,
    device,
    batch,
    threads,
    program,
    specs: model.state,
    inputs: {
      image: { dtype: "u8", shape: [batch, 32, 32, 3], data: images },
      label: { dtype: "i32", shape: [batch], data: labels },
    },
    first,
  });
}
