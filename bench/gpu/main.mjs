/**
 * @file Verifies and measures every engine and device of this machine, in the working tree (`npm run bench:gpu`) or in a
 * bundle (`run.sh`): see README.md.
 */
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { deserialize } from "node:v8";
import { engineDevices } from "@dlc/runtime";
import { chooseDevices, reference, titleOf } from "./devices.mjs";
import { describeMachine, machineLines } from "./machine.mjs";
import { measureGroup } from "./measure.mjs";
import { modelNames, modelOf } from "./models.mjs";
import { help, parseOptions, UsageError } from "./options.mjs";
import { Failure, start } from "./process.mjs";
import { describePytorch, pytorchContenders } from "./pytorch.mjs";
import { exitCodeOf, resultOf, slug, tableOf, withoutPath, withRatios } from "./report.mjs";
import { startSampler } from "./sampler.mjs";
import { dataOf } from "./training.mjs";
import { compare } from "./verify.mjs";
import { vulkanEnvironment } from "./vulkan.mjs";

const peer = fileURLToPath(new URL("./peer.mjs", import.meta.url));
/** The bundle's or the repository's folder. */
const here = fileURLToPath(new URL("../../", import.meta.url));
const say = (text = "") => console.error(text);

/** What a child that is asked one thing answers. */
async function once(task, { env, timeout }) {
  const child = start(process.execPath, [peer, JSON.stringify(task)], { env });
  try {
    return await child.answer(timeout);
  } finally {
    await child.close();
  }
}

async function probeAll(context) {
  const probes = [];
  for (const [engine, devices] of Object.entries(engineDevices)) {
    for (const device of devices) {
      const task = { task: "probe", engine, device };
      const probe = await once(task, { ...context, timeout: 60 }).catch((error) => {
        if (!(error instanceof Failure)) throw error;
        const detail = `its probe ${error.status}: ${error.message}`;
        return { availability: "absent", detail, fix: null };
      });
      probes.push({ engine, device, ...probe });
    }
  }
  return probes;
}

/** Three steps and the state after the first. */
async function threeSteps(where, model, context) {
  const out = join(context.folder, "state");
  const { threads, verifyBatch } = context;
  const task = { task: "verify", ...where, model, threads, batch: verifyBatch, out };
  const { losses } = await once(task, context);
  const state = deserialize(readFileSync(out));
  rmSync(out);
  return { losses, state };
}

/** A row for each device and net: equal, unequal, or why it is not known. */
async function verifyAll(chosen, models, context) {
  const equality = [];
  const others = chosen.filter((one) => titleOf(one) !== titleOf(reference));
  if (others.length === 0) return equality;
  for (const model of models) {
    const attempt = (where) =>
      threeSteps(where, model, context).catch((error) => {
        if (error instanceof Failure) return error;
        throw error;
      });
    const expected = await attempt(reference);
    for (const where of others) {
      const row = { model, contender: titleOf(where), batch: context.verifyBatch };
      equality.push({
        ...row,
        ...verdict(expected, expected instanceof Failure ? null : await attempt(where)),
      });
      const { status, reason } = equality.at(-1);
      say(`  ${model}, ${row.contender}: ${status}${reason === null ? "" : `: ${reason}`}`);
    }
  }
  return equality;
}

function verdict(expected, result) {
  if (expected instanceof Failure) {
    const reason = `the reference ${titleOf(reference)}: ${expected.message}`;
    return { status: expected.status, reason, worst: null };
  }
  if (result instanceof Failure) {
    return { status: result.status, reason: result.message, worst: null };
  }
  const { worst, reason } = compare(result, expected);
  return { status: reason === null ? "equal" : "unequal", reason, worst, losses: result.losses };
}

/** One of our engines, as it is measured. */
function contender(where, model, batch, { threads, env, warmup }) {
  const task = { task: "train", ...where, threads, model, batch, warmup };
  return {
    title: titleOf(where),
    launch: () => start(process.execPath, [peer, JSON.stringify(task)], { env }),
    asks: { "": {} },
  };
}

async function measureAll({ chosen, equality, pytorch, options, context, sampler }, save) {
  const rows = [];
  for (const model of options.models) {
    for (const batch of options.batches) {
      const verdictOf = (where) =>
        equality.find((row) => row.model === model && row.contender === titleOf(where));
      const isFit = (where) => ["equal", undefined].includes(verdictOf(where)?.status);
      for (const where of chosen.filter((one) => !isFit(one))) {
        const { status, reason } = verdictOf(where);
        rows.push({ model, batch, contender: titleOf(where), status, reason });
      }
      const contenders = [
        ...chosen.filter(isFit).map((where) => contender(where, model, batch, context)),
        ...pytorchContenders(pytorch, { model, batch, ...context }),
      ];
      say(`measuring ${model}, batch ${batch}: ${contenders.map(({ title }) => title).join(", ")}`);
      const { unit } = modelOf(model);
      const { seconds, rounds, timeout } = options;
      const settings = { batch, unit, seconds, rounds, timeout, sampler };
      const groups = await measureGroup(contenders, settings);
      const found = groups.flatMap((group, i) =>
        group.map((row, k) => ({ ...row, baseline: contenders[i].baseline === true && k === 0 })),
      );
      for (const row of found) {
        say(
          `  ${row.contender}: ${row.status === "measured" ? `${row.medianMs.toFixed(2)} ms` : `${row.status}: ${row.reason}`}`,
        );
      }
      rows.push(...found.map((row) => ({ model, batch, ...row })));
      save(rows);
    }
  }
  return rows;
}

/** Before an hour of measuring, not after it. */
function requireWritable(file) {
  try {
    accessSync(dirname(resolve(file)), constants.W_OK);
  } catch {
    throw new UsageError(`--out: ${resolve(file)} cannot be written; name another file`);
  }
}

async function main(options) {
  requireWritable(options.out);
  const folder = mkdtempSync(join(tmpdir(), "dlc-gpu-bench-"));
  const date = new Date();
  const build = JSON.parse(
    readFileSync(new URL("./generated/build.json", import.meta.url), "utf8"),
  );
  try {
    // ONNX Runtime for Linux reports usage to its maker unless it is told not to.
    const quiet = { ...process.env, ORT_DISABLE_TELEMETRY: "1" };
    const { env, notes } = vulkanEnvironment(quiet, folder);
    const machine = await describeMachine(env);
    say(
      `dlc ${build.dlc} (commit ${build.commit ?? "unknown"}${build.changed ? ", changed" : ""}), onnxruntime ${build.onnxruntime}`,
    );
    for (const line of [...machineLines(machine), ...notes.map((note) => `Vulkan: ${note}`)])
      say(line);
    const context = {
      ...{ env, folder, threads: options.threads, timeout: options.timeout },
      verifyBatch: Math.min(64, ...options.batches),
      warmup: options.quick ? 0 : Math.min(1, options.seconds),
    };
    const probes = await probeAll(context);
    say("\nEngines and devices:");
    for (const { availability, detail, ...probe } of probes) {
      say(`  ${titleOf(probe)}: ${availability}: ${detail}`);
    }
    const wanted = { wanted: options.devices, software: options.software };
    const { chosen, refused, note } = chooseDevices(probes, wanted);
    if (note !== null) say(note);
    const pytorch = await describePytorch(options.python, chosen, context);
    say(`PyTorch: ${pytorch.detail}`);

    say(`\nEqual to ${titleOf(reference)}? (batch ${context.verifyBatch})`);
    const equality = await verifyAll(chosen, options.models, context);
    if (equality.length === 0) say("  nothing to compare: the reference itself is measured");
    say();
    const absent = refused.flatMap((row) =>
      options.models.flatMap((model) => options.batches.map((batch) => ({ model, batch, ...row }))),
    );
    const { help: _, out, python, ...asked } = options;
    const { python: __, ...torch } = pytorch;
    const about = { options: asked, pytorch: torch };
    const data = Object.fromEntries(
      options.models.map((model) => [
        model,
        { parameters: dataOf(model).parameters, data: modelOf(model).data },
      ]),
    );
    /** Written after every group, so that a run that is ended early keeps what it has. */
    const save = (measured, isComplete) => {
      const rows = withRatios([...absent, ...measured]);
      const result = {
        ...resultOf({ date, build, machine, notes, probes, chosen, equality, rows, ...about }),
        models: data,
        complete: isComplete,
      };
      const text = withoutPath(`${JSON.stringify(result, null, 1)}\n`, here);
      writeFileSync(out, text);
      return result;
    };
    save([], false);
    const sampler = startSampler(env);
    const group = { chosen, equality, pytorch, options, context, sampler };
    const measured = await measureAll(group, (rows) => save(rows, false)).finally(sampler.close);
    const { device, rows } = save(measured, true);
    console.log(`${device}\n\n${tableOf(rows)}`);
    say(`\n${resolve(out)}; to keep it: bench/results/gpu-${slug(device)}.json`);
    return exitCodeOf({ equality, rows });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  const known = { models: modelNames, devices: engineDevices, threads: availableParallelism() };
  const options = parseOptions(process.argv.slice(2), known);
  if (options.help) console.log(help);
  else process.exitCode = await main(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n\n${help}`);
  process.exitCode = 2;
}
