/** @file Training that starts from the weights of another run: what is taken, kept, and refused. */
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { readSafetensors, writeSafetensors } from "../../runtime/checkpoint/safetensors.js";
import { sha256 } from "../../runtime/sha256.js";
import { checkpointOf, copyModel, dlc, documents, workFolder } from "../support/cli.js";

const folder = workFolder();
const here = { cwd: folder };
const train = (...args: string[]) => dlc(["train", ...args], here);
const read = (path: string): string => readFileSync(join(folder, path), "utf8");
const weightsFile = (run: string): string =>
  join(checkpointOf(join(folder, "runs", run), "best"), "weights.safetensors");
const weightsOf = (run: string) => readSafetensors(readFileSync(weightsFile(run))).tensors;

/** Iris with a smaller last layer's classes swapped, so that it has something to learn anew. */
const tuned = (as: string, init: string, more = "", epochs = 1): string =>
  copyModel(
    "iris-mlp",
    folder,
    as,
    (spec) =>
      `${spec
        .replace(/epochs: \d+/, `epochs: ${epochs}`)
        .replace("  batch:", `${more}  batch:`)}\ninit: ${init}\n`,
  );

beforeAll(async () => {
  copyModel("iris-mlp", folder, "base", (spec) => spec.replace(/epochs: \d+/, "epochs: 3"));
  const { code } = await train("base/spec.yaml");
  expect(code).toBe(0);
}, 60_000);

describe("a run with init", () => {
  it("starts from the weights of another one, and leaves frozen ones as they were", async () => {
    tuned(
      "tuned",
      "{ from: ../runs/base }",
      "  freeze: dense_1\n  learning_rates: { dense_2: 0.1 }\n",
    );
    const { code, stderr } = await train("tuned/spec.yaml");
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stderr).toMatch(/^starting from \.\.\/runs\/base: 6 tensors$/m);
    const { startedFrom } = JSON.parse(read("runs/tuned/run.json")) as Record<string, unknown>;
    expect(startedFrom).toBe(sha256(readFileSync(weightsFile("base"))));
    const [before, after] = [weightsOf("base"), weightsOf("tuned")];
    expect(after["dense_1.kernel"]).toEqual(before["dense_1.kernel"]);
    expect(after["dense_3.kernel"]).not.toEqual(before["dense_3.kernel"]);
    expect(read("runs/tuned/package/tuned/spec.ts")).toContain('from: "../runs/base"');
    // Nothing is moved or remembered for what is frozen, in the generated code, too.
    const step = read("runs/tuned/package/tuned/train.ts");
    expect(step).toContain('"dense_2.kernel:m"');
    expect(step).not.toContain('"dense_1.kernel:m"');
    expect(step).toMatch(/updates: \[(?:(?!dense_1)[^\]])*\]/);
  }, 60_000);

  it("is continued without them, and refused when they have changed", async () => {
    cpSync(weightsFile("base"), join(folder, "kept.safetensors"));
    const spec = tuned("again", "../kept.safetensors");
    expect((await train("again/spec.yaml")).code).toBe(0);
    writeFileSync(spec, readFileSync(spec, "utf8").replace("epochs: 1", "epochs: 2"));
    const more = await train("again/spec.yaml");
    expect(more.code).toBe(0);
    expect(more.stderr).toMatch(/^continuing at epoch 2/m);
    expect(more.stderr).not.toContain("starting from");
    const tensors = { ...weightsOf("base") };
    const bias = tensors["dense_3.bias"] as (typeof tensors)[string];
    const data = Float32Array.from(bias.data, (value) => value + 1);
    const changed = writeSafetensors({ ...tensors, "dense_3.bias": { ...bias, data } });
    writeFileSync(join(folder, "kept.safetensors"), changed);
    const refused = await train("again/spec.yaml");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("different-run");
    expect(refused.stderr).toContain("it started from other weights");
    expect((await train("again/spec.yaml", "--fresh")).code).toBe(0);
  }, 120_000);

  it("tells what goes where before it trains", async () => {
    tuned("shown", "{ from: ../runs/base/best, map: { dense_3: null }, missing: keep }");
    const { code, stdout } = await dlc(["inspect", "shown/spec.yaml", "--weights"], here);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^weight +shape +starts from +there +how +learns\n/);
    expect(stdout).toMatch(/^dense_1\.kernel +4×16 +dense_1\.kernel +4×16$/m);
    expect(stdout).toMatch(/^dense_3\.kernel +16×3 +glorot_uniform$/m);
    expect(stdout).toMatch(/\nfrom \.\.\/runs\/base\/best\n$/);
    const json = await dlc(["inspect", "shown/spec.yaml", "--json"], here);
    const [{ weights = [] } = {}] = documents(json.stdout);
    expect(weights).toContainEqual(
      expect.objectContaining({ name: "dense_1.bias", from: "dense_1.bias", rate: 1 }),
    );
  });

  it("is told of damage that the header does not show, before anything is trained", async () => {
    cpSync(join(folder, "runs/base"), join(folder, "runs/broken"), { recursive: true });
    const file = join(checkpointOf(join(folder, "runs/broken"), "best"), "weights.safetensors");
    const bytes = readFileSync(file);
    bytes.writeUInt8((bytes.at(-1) as number) ^ 1, bytes.length - 1);
    writeFileSync(file, bytes);
    tuned("late", "../runs/broken");
    const { code, stderr } = await train("late/spec.yaml");
    expect(code).toBe(1);
    expect(stderr).toContain("damaged-weights");
    rmSync(join(folder, "runs/broken"), { recursive: true });
  }, 60_000);

  it("cannot start from itself", async () => {
    tuned("self", "../runs/base");
    expect((await train("self/spec.yaml")).code).toBe(0);
    const spec = join(folder, "self/spec.yaml");
    writeFileSync(spec, readFileSync(spec, "utf8").replace("../runs/base", "../runs/self"));
    const { code, stderr } = await train("self/spec.yaml", "--fresh");
    expect(code).toBe(1);
    expect(stderr).toContain("starts-from-itself");
    expect((await dlc(["eval", "runs/self"], here)).code).toBe(0);
  }, 60_000);
});
