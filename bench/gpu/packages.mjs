/**
 * @file Makes what the benchmark runs: packages, by `dlc build`, and the first rows of their data as raw
 * arrays, which the peers in Python read too. All in `generated/` beside this file.
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { createBatches, openData, sizeOf } from "@dlc/runtime";
import { models, rowsAtHand } from "./models.mjs";

const run = promisify(execFile);
const repository = fileURLToPath(new URL("../..", import.meta.url));
export const generated = fileURLToPath(new URL("./generated/", import.meta.url));

/** Builds all packages, extracts their data, and notes what they were made from. */
export async function prepare(report) {
  rmSync(generated, { recursive: true, force: true });
  mkdirSync(join(generated, "data"), { recursive: true });
  const work = mkdtempSync(join(tmpdir(), "dlc-gpu-"));
  try {
    let images = null;
    // resnet18 first: its images are what cifar10-cnn is given.
    for (const model of models.toSorted((a) => (a.name === "resnet18" ? -1 : 0))) {
      report(`building ${model.name}`);
      const isCifar = model.name === "cifar10-cnn";
      const spec = isCifar
        ? cifarSpec(work, images)
        : join(repository, "models", model.name, "spec.yaml");
      const settings = model.set.flatMap((setting) => ["--set", setting]);
      await run(process.execPath, [
        join(repository, "compiler/bin/dlc.js"),
        ...["build", spec, "--out", join(generated, "models"), ...settings],
      ]);
      const index = join(generated, "models", model.name, "index.js");
      const { definition } = await import(`${pathToFileURL(index).href}?made=${Date.now()}`);
      const inputs = await firstRows(definition, dirname(spec));
      if (model.name === "resnet18") images = inputs;
      writeData(model.name, definition, inputs);
    }
  } finally {
    rmSync(work, { recursive: true });
  }
  const about = await origin();
  writeFileSync(join(generated, "build.json"), `${JSON.stringify(about, null, 2)}\n`);
  return about;
}

/** What the packages were made from. */
async function origin() {
  const git = async (...args) =>
    (await run("git", args, { cwd: repository }).catch(() => ({ stdout: "" }))).stdout.trim();
  const version = (path) => JSON.parse(readFileSync(join(repository, path), "utf8")).version;
  return {
    commit: (await git("rev-parse", "HEAD")) || null,
    // Results of changed sources must not pass for those of the commit.
    changed: (await git("status", "--porcelain")) !== "",
    built: new Date().toISOString(),
    dlc: version("runtime/package.json"),
    node: process.version,
    onnxruntime: version("node_modules/onnxruntime-node/package.json"),
  };
}

/** The first batch of the first epoch, as the trainer gets it. */
async function firstRows({ data, facts, train }, base) {
  const dataset = await openData(data, facts, { base, splits: ["train"] });
  try {
    const order = { seed: train.seed, epoch: 0, shuffle: true, worker: false };
    const batches = createBatches(dataset, "train", { ...order, batch: rowsAtHand });
    const batch = await batches.next();
    if (batch?.rows.length !== rowsAtHand) throw new Error(`fewer than ${rowsAtHand} rows`);
    return batch.inputs;
  } finally {
    await dataset.close();
  }
}

/** The rate that a run begins with: the full one would blow some of the nets up. */
const firstRate = ({ learningRate, schedule }) =>
  schedule.kind === "one_cycle" ? learningRate / schedule.start : learningRate;

function writeData(name, { state, train, programs }, inputs) {
  const weights = Object.entries(state).filter(([, { role }]) => role === "weight");
  const files = Object.keys(programs.train.inputs).map((key, i) => {
    const { dtype, shape, data } = inputs[key];
    const file = `${name}.${i}.bin`;
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    writeFileSync(join(generated, "data", file), bytes);
    return { name: key, dtype, shape: shape.slice(1), file };
  });
  const about = {
    model: name,
    rows: rowsAtHand,
    parameters: weights.reduce((sum, [, { shape }]) => sum + sizeOf(shape), 0),
    learningRate: firstRate(train),
    weights: Object.fromEntries(weights.map(([key, { shape }]) => [key, shape])),
    inputs: files,
  };
  writeFileSync(join(generated, "data", `${name}.json`), `${JSON.stringify(about, null, 1)}\n`);
}

/** cifar10-cnn with files of CIFAR-10's format, made of images [rows, 28, 28, 1] and their labels. */
function cifarSpec(work, { image, label }) {
  const files = join(work, "cifar-10-batches-bin");
  mkdirSync(files);
  const [side, border, small] = [32, 2, 28];
  const record = 1 + 3 * side * side;
  const records = new Uint8Array(rowsAtHand * record);
  for (let row = 0; row < rowsAtHand; row++) {
    records[row * record] = label.data[row];
    for (let channel = 0; channel < 3; channel++) {
      for (let y = 0; y < small; y++) {
        const from = (row * small + y) * small;
        const to = row * record + 1 + (channel * side + y + border) * side + border;
        records.set(image.data.subarray(from, from + small), to);
      }
    }
  }
  const names = [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.bin`);
  for (const name of [...names, "test_batch.bin"]) writeFileSync(join(files, name), records);
  const spec = join(work, "spec.yaml");
  writeFileSync(spec, readFileSync(join(repository, "models/cifar10-cnn/spec.yaml")));
  return spec;
}
