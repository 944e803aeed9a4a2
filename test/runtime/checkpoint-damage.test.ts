/** @file A checkpoint that is not exactly what was saved is never used; the last good one is. */
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type DlcError, loadWeights } from "@dlc/runtime";
import { beforeAll, describe, expect, it } from "vitest";
import { fileNames, manifestName, renderManifest } from "../../runtime/checkpoint/manifest.js";
import { readSafetensors, writeSafetensors } from "../../runtime/checkpoint/safetensors.js";
import { tinyModel } from "../support/tiny-model.mjs";
import {
  fingerprint,
  type Outcome,
  pointed,
  readMetrics,
  runFolders,
  trainBatches,
  trainTiny,
} from "../support/tiny-runs.js";

const newRun = runFolders();
/** auc keeps scores, so checkpoints inside an epoch have all five files. */
const definition = tinyModel({ ema: true, settings: { checkpoint: { everySteps: 1, keep: 3 } } });
const { weights, optimizer, metrics, state } = fileNames;
const allFiles = [weights, optimizer, metrics, state, manifestName];

/** A run that was interrupted in its third epoch, and how it ends when nothing is wrong. */
let sample: string;
let whole: Outcome;
let log: string;
beforeAll(async () => {
  sample = newRun();
  await trainBatches(definition, sample, 13);
  const straight = newRun();
  whole = await trainTiny(definition, straight);
  log = readMetrics(straight);
});

function copy(): string {
  const run = newRun();
  cpSync(sample, run, { recursive: true });
  return run;
}
const checkpoints = (run: string): string[] =>
  readdirSync(join(run, "checkpoints"))
    .filter((name) => name.startsWith("step-"))
    .sort();
const newest = (run: string): string => join(run, "checkpoints", checkpoints(run).at(-1) as string);
const flip = (path: string, byte: number, bit = 0): void => {
  const bytes = readFileSync(path);
  const at = byte < 0 ? bytes.length + byte : byte;
  bytes[at] = (bytes[at] as number) ^ (1 << bit);
  writeFileSync(path, bytes);
};

/** Changes a checkpoint and signs it again, as only a program could. */
function forge(folder: string, change: (manifest: Record<string, unknown>) => void): void {
  const path = join(folder, manifestName);
  const { manifest } = JSON.parse(readFileSync(path, "utf8")) as { manifest: never };
  change(manifest);
  writeFileSync(path, renderManifest(manifest));
}

/** Each spoils the newest checkpoint; the reason that must be told. */
const damages: Readonly<
  Record<string, readonly [damage: (folder: string) => void, reason: RegExp]>
> = {
  "no manifest": [(c) => rmSync(join(c, manifestName)), /manifest\.json: .*ENOENT/],
  "an empty manifest": [(c) => truncateSync(join(c, manifestName)), /manifest\.json/],
  "a manifest that is no JSON": [
    (c) => writeFileSync(join(c, manifestName), "{"),
    /manifest\.json/,
  ],
  "a manifest with a key twice": [
    (c) => writeFileSync(join(c, manifestName), '{"manifest":{},"manifest":{}}'),
    /appears twice/,
  ],
  "a manifest with another sum": [
    (c) => {
      const path = join(c, manifestName);
      writeFileSync(path, readFileSync(path, "utf8").replace(/"sha256":"./, '"sha256":"z'));
    },
    /does not match its own SHA-256/,
  ],
  "a manifest of a later version": [
    (c) => forge(c, (m) => Object.assign(m, { version: 2 })),
    /not a manifest of this version/,
  ],
  "a manifest that lists a path": [
    (c) => forge(c, (m) => Object.assign(m, { files: { "../x": { bytes: 0, sha256: "" } } })),
    /not a manifest/,
  ],
  "the manifest of the checkpoint before": [
    (c) => {
      const names = readdirSync(join(c, "..")).filter((name) => name.startsWith("step-"));
      const before = join(c, "..", names.sort().at(-2) as string);
      cpSync(join(before, manifestName), join(c, manifestName));
    },
    /belongs to step-/,
  ],
  "a manifest without the weights": [
    (c) => forge(c, (m) => delete (m.files as Record<string, unknown>)[weights]),
    /the manifest lists none/,
  ],
  "progress of another step": [
    (c) => forge(c, (m) => Object.assign(m, { step: 3 })),
    /of another step/,
  ],
  "weights and optimizer swapped": [
    (c) => {
      renameSync(join(c, weights), join(c, "x"));
      renameSync(join(c, optimizer), join(c, weights));
      renameSync(join(c, "x"), join(c, optimizer));
    },
    /weights\.safetensors/,
  ],
  "weights of the checkpoint before": [
    (c) => {
      const names = readdirSync(join(c, "..")).filter((name) => name.startsWith("step-"));
      cpSync(join(c, "..", names.sort().at(-2) as string, weights), join(c, weights));
    },
    /weights\.safetensors: does not match its SHA-256/,
  ],
  "a link in place of a file": [
    (c) => {
      renameSync(join(c, weights), join(c, "elsewhere"));
      symlinkSync("elsewhere", join(c, weights));
    },
    /weights\.safetensors/,
  ],
  "a folder in place of a file": [
    (c) => {
      rmSync(join(c, weights));
      mkdirSync(join(c, weights));
    },
    /weights\.safetensors: .*regular file/,
  ],
  "a file in place of the checkpoint": [
    (c) => {
      rmSync(c, { recursive: true });
      writeFileSync(c, "");
    },
    /is not a folder/,
  ],
  "an empty folder": [
    (c) => {
      rmSync(c, { recursive: true });
      mkdirSync(c);
    },
    /manifest\.json/,
  ],
};
for (const file of allFiles) {
  Object.assign(damages, {
    [`${file} missing`]: [(c: string) => rmSync(join(c, file)), new RegExp(file)],
    [`${file} empty`]: [(c: string) => truncateSync(join(c, file)), new RegExp(file)],
    [`${file} short of one byte`]: [
      (c: string) => truncateSync(join(c, file), readFileSync(join(c, file)).length - 1),
      file === manifestName ? /manifest/ : new RegExp(`${file}: .*cut off`),
    ],
    [`${file} with a byte too many`]: [
      (c: string) => appendFileSync(join(c, file), "\n"),
      new RegExp(file),
    ],
    [`${file} filled with zeros`]: [
      (c: string) =>
        writeFileSync(join(c, file), new Uint8Array(readFileSync(join(c, file)).length)),
      new RegExp(file),
    ],
    [`${file} with its first bit flipped`]: [
      (c: string) => flip(join(c, file), 0),
      new RegExp(file),
    ],
    [`${file} with its last bit flipped`]: [
      (c: string) => flip(join(c, file), -1, 7),
      new RegExp(file),
    ],
  });
}

describe("a damaged checkpoint", () => {
  it.each(Object.entries(damages))("is refused with a reason: %s", async (_, [damage, reason]) => {
    const run = copy();
    const name = checkpoints(run).at(-1) as string;
    damage(newest(run));
    const { result, state, events } = await trainTiny(definition, run);
    const warnings = events.filter((event) => event.kind === "warning");
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({ code: "damaged-checkpoint" });
    expect(warnings[0]?.message).toContain(name);
    expect(warnings[0]?.message).toMatch(reason);
    expect(existsSync(join(run, "checkpoints", `.corrupt-${name}`))).toBe(true);
    // The one before was used, so the end is the same.
    expect(events.find(({ kind }) => kind === "started")).toMatchObject({
      resumedFrom: { step: 10 },
    });
    expect(fingerprint(state)).toBe(fingerprint(whole.state));
    expect(result.history).toEqual(whole.result.history);
    expect(readMetrics(run)).toBe(log);
  });

  it("is refused for any bit that is flipped", async () => {
    // Every byte of the small files and a spread over the tensors, by the cheaper of the two readers.
    const run = copy();
    const folder = newest(run);
    for (const file of [weights, manifestName]) {
      const path = join(folder, file);
      const good = readFileSync(path);
      const stride = Math.ceil(good.length / 150);
      for (let byte = 0; byte < good.length; byte += stride) {
        flip(path, byte, byte % 8);
        await expect(loadWeights(folder, definition)).rejects.toMatchObject({
          code: "damaged-weights",
        });
        writeFileSync(path, good);
      }
    }
    await expect(loadWeights(folder, definition)).resolves.toMatchObject({ sameSpec: true });
  });

  it("and the ones before it are passed over until an intact one is found", async () => {
    const run = copy();
    const names = checkpoints(run);
    for (const name of names.slice(1)) flip(join(run, "checkpoints", name, optimizer), 200);
    const { state, events } = await trainTiny(definition, run);
    expect(events.filter(({ kind }) => kind === "warning")).toHaveLength(names.length - 1);
    expect(fingerprint(state)).toBe(fingerprint(whole.state));
  });

  it("ends the run when there is no intact one, and says how to start over", async () => {
    const run = copy();
    for (const name of checkpoints(run)) rmSync(join(run, "checkpoints", name, state));
    const error = await trainTiny(definition, run).catch((e: unknown) => e as DlcError);
    expect(error).toMatchObject({ code: "no-intact-checkpoint" });
    expect((error as DlcError).help).toContain("--fresh");
    const { state: end } = await trainTiny(definition, run, { fresh: true });
    expect(fingerprint(end)).toBe(fingerprint(whole.state));
  });

  it("costs only the best weights if it was the best one of a finished run", async () => {
    const settings = {
      monitor: { metric: "loss", mode: "max" as const },
      earlyStopping: { patience: 2, minDelta: 0, restoreBest: true },
    };
    const run = newRun();
    const model = tinyModel({ settings });
    const before = await trainTiny(model, run);
    flip(join(pointed(run, "best"), weights), 300);
    const { result, events } = await trainTiny(model, run);
    expect(events.find(({ kind }) => kind === "warning")).toMatchObject({
      code: "damaged-checkpoint",
    });
    expect(result.weights).not.toBe(before.result.weights);
  });
});

describe("an interrupted save", () => {
  it("leaves nothing behind that the next call does not clear away", async () => {
    const run = copy();
    mkdirSync(join(run, "checkpoints", ".tmp-step-00000099-1"));
    writeFileSync(join(run, "checkpoints", ".tmp-step-00000099-1", weights), "half");
    // Killed between the rename and the pointers.
    rmSync(join(run, "last"));
    writeFileSync(join(run, "best"), '{"checkpoint":"checkpoints/step-00000999"}');
    // Killed while it wrote a line of the log.
    appendFileSync(join(run, "metrics.ndjson"), '{"epoch":3,"ste');
    const { state } = await trainTiny(definition, run);
    expect(fingerprint(state)).toBe(fingerprint(whole.state));
    expect(readMetrics(run)).toBe(log);
    expect(readdirSync(join(run, "checkpoints")).filter((name) => name.startsWith("."))).toEqual(
      [],
    );
    expect(existsSync(pointed(run, "best"))).toBe(true);
    expect(existsSync(pointed(run, "last"))).toBe(true);
  });

  it("is completed even if the run was at its end", async () => {
    const run = newRun();
    await trainTiny(definition, run);
    const best = pointed(run, "best");
    const last = pointed(run, "last");
    rmSync(join(run, "best"));
    writeFileSync(join(run, "last"), '{"checkpoint":"checkpoints/step-00000001"}');
    cpSync(last, join(run, "checkpoints", "step-00000001"), { recursive: true });
    const { result } = await trainTiny(definition, run);
    expect(result.alreadyFinished).toBe(true);
    expect(pointed(run, "best")).toBe(best);
    expect(pointed(run, "last")).toBe(last);
    expect(checkpoints(run)).not.toContain("step-00000001");
  });

  it("goes on without lines of the log that are damaged, and says so", async () => {
    const run = newRun();
    await trainTiny(definition, run);
    const log = join(run, "metrics.ndjson");
    const lines = readFileSync(log, "utf8").trim().split("\n");
    for (const damaged of ["{".padEnd(lines[0]?.length ?? 0), "[]", "null"]) {
      const text = [damaged.padEnd(lines[0]?.length ?? 0), ...lines.slice(1)].join("\n");
      writeFileSync(log, `${text}\n`);
      const { events, result } = await trainTiny(definition, run);
      const codes = events.flatMap((event) => (event.kind === "warning" ? [event.code] : []));
      expect(codes).toEqual(["metrics-log-cut"]);
      expect(result.history).toHaveLength(lines.length - 1);
    }
  });

  it("goes on without the lines of the log that are lost, and says so", async () => {
    const run = copy();
    truncateSync(join(run, "metrics.ndjson"), 40);
    const { state, events } = await trainTiny(definition, run);
    expect(events.filter((event) => event.kind === "warning")).toMatchObject([
      { code: "metrics-log-cut" },
    ]);
    expect(fingerprint(state)).toBe(fingerprint(whole.state));
    expect(readMetrics(run).trim().split("\n")).toHaveLength(2);
    expect(
      (await trainTiny(definition, run)).events.filter(({ kind }) => kind === "warning"),
    ).toEqual([]);
  });
});

describe("a foreign checkpoint", () => {
  const strangers = {
    "another state": { ...definition, stateHash: "another" },
    "another spec": { ...definition, specHash: "another" },
  };
  it.each(Object.entries(strangers))("of %s is refused, not overwritten", async (_, stranger) => {
    const run = copy();
    const before = checkpoints(run);
    // As if the folder had been copied together from two runs.
    const description = JSON.parse(readFileSync(join(run, "run.json"), "utf8")) as object;
    const { specHash, stateHash } = stranger;
    writeFileSync(join(run, "run.json"), JSON.stringify({ ...description, specHash, stateHash }));
    const error = await trainTiny(stranger, run).catch((e: unknown) => e as DlcError);
    expect(error).toMatchObject({ code: "foreign-checkpoint" });
    expect((error as DlcError).help).toContain("--fresh");
    expect(checkpoints(run)).toEqual(before);
  });

  it("is refused for its tensors even if its hashes fit", async () => {
    const run = copy();
    const folder = newest(run);
    const path = join(folder, weights);
    const { tensors } = readSafetensors(readFileSync(path));
    const forged = { ...tensors };
    forged["out.bias"] = { dtype: "f32", shape: [1, 3], data: new Float32Array(3) };
    writeFileSync(path, writeSafetensors(forged));
    await expect(loadWeights(path, definition)).rejects.toMatchObject({
      code: "foreign-checkpoint",
      message: expect.stringContaining("out.bias is f32 [1, 3], the model has f32 [3]"),
    });
  });
});
