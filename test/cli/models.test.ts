/** @file The models in `models/` through the command line; the one whose data must be downloaded on made-up files. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { copyModel, dlc, documents, repository, workFolder, write } from "../support/cli.js";

const folder = workFolder();
const here = { cwd: folder };

const models = readdirSync(join(repository, "models")).filter((name) =>
  existsSync(join(repository, "models", name, "spec.yaml")),
);

it.each(models.filter((name) => name !== "cifar10-cnn"))("%s has no mistake", async (name) => {
  expect(await dlc(["validate", `models/${name}/spec.yaml`])).toMatchObject({
    code: 0,
    stdout: `models/${name}/spec.yaml: ok\n`,
    stderr: "",
  });
});

/** Records of CIFAR-10's binary format: each class has a colour of its own, with noise. */
function records(count: number, seed: number): Buffer {
  const bytes = Buffer.alloc(count * 3073);
  let state = seed;
  for (let i = 0; i < count; i++) {
    const label = (i * 7 + seed) % 10;
    bytes[i * 3073] = label;
    for (let plane = 0; plane < 3; plane++) {
      const level = 30 + ((label * (plane + 3) * 37) % 190);
      for (let pixel = 0; pixel < 1024; pixel++) {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        bytes[i * 3073 + 1 + plane * 1024 + pixel] = level + ((state >>> 24) % 30);
      }
    }
  }
  return bytes;
}

describe("cifar10-cnn", () => {
  it("says which file is missing before anything runs", async () => {
    copyModel("cifar10-cnn", folder, "no-data");
    const { code, stderr } = await dlc(["train", "no-data/spec.yaml"], here);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error data-file-missing: .*data_batch_1\.bin/);
    expect(existsSync(join(folder, "runs"))).toBe(false);
  });

  it("learns from files of CIFAR-10's format", async () => {
    copyModel("cifar10-cnn", folder, "cifar", (spec) => spec.replace("epochs: 10", "epochs: 4"));
    for (let i = 1; i <= 5; i++) {
      write(folder, `cifar/cifar-10-batches-bin/data_batch_${i}.bin`, records(100, i));
    }
    write(folder, "cifar/cifar-10-batches-bin/test_batch.bin", records(50, 9));
    const trained = await dlc(["train", "cifar/spec.yaml", "--json"], here);
    expect(trained.code, trained.stderr).toBe(0);
    const { test } = documents(trained.stdout).at(-1) as {
      test: { examples: number; metrics: { accuracy: number } };
    };
    expect(test.examples).toBe(50);
    // Chance is 0.1.
    expect(test.metrics.accuracy).toBeGreaterThan(0.5);
    const { stdout } = await dlc(["eval", "runs/cifar"], here);
    expect(stdout).toMatch(/^true \\ predicted +airplane +automobile /m);
  });

  it("says which file is cut off", async () => {
    copyModel("cifar10-cnn", folder, "cut");
    for (let i = 1; i <= 5; i++) {
      const bytes = records(10, i);
      const name = `cut/cifar-10-batches-bin/data_batch_${i}.bin`;
      write(folder, name, i === 3 ? bytes.subarray(0, 9000) : bytes);
    }
    write(folder, "cut/cifar-10-batches-bin/test_batch.bin", records(10, 9));
    const { code, stderr } = await dlc(["validate", "cut/spec.yaml"], here);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error truncated-file: (?:.|\n)*data_batch_3\.bin/);
  });
});
