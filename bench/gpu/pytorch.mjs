/** @file The same nets in PyTorch, where a Python has it: peers/pytorch_gpu.py. */
import { fileURLToPath } from "node:url";
import { Failure, start } from "./process.mjs";

const script = fileURLToPath(new URL("./peers/pytorch_gpu.py", import.meta.url));
const data = fileURLToPath(new URL("./generated/data", import.meta.url));

const launch = (python, task, env) => start(python, [script, JSON.stringify(task)], { env });

/**
 * What PyTorch there is, and where it runs: on the GPU, or on the CPU if that (or a device that is emulated on it) is
 * what is measured. `device` is null where it takes no part, and `detail` says why.
 */
export async function describePytorch(python, chosen, { env, timeout }) {
  if (python === null) return { device: null, detail: "left out (--python none)" };
  const child = launch(python, { task: "describe" }, env);
  let found;
  try {
    found = await child.answer(timeout);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { device: null, detail: `left out: ${error.message}` };
  } finally {
    await child.close();
  }
  const onCpu = chosen.some(
    ({ device, availability }) => device === "cpu" || availability === "software",
  );
  const about = { python, version: found.version, cuda: found.cuda, cudnn: found.cudnn };
  if (found.gpu !== null) {
    return { ...about, device: "cuda", detail: `${found.version} on ${found.gpu}, TF32 off` };
  }
  if (onCpu) return { ...about, device: "cpu", detail: `${found.version} on the CPU` };
  return { ...about, device: null, detail: `left out: ${found.version} sees no GPU` };
}

/** PyTorch with and without torch.compile; each also without reading the loss after every step. */
export function pytorchContenders(pytorch, { model, batch, threads, env, warmup }) {
  const { device, python } = pytorch;
  if (device === null) return [];
  return ["eager", "compile"].map((mode) => ({
    title: `pytorch ${mode}:${device}`,
    baseline: mode === "eager",
    launch: () =>
      launch(python, { task: "train", model, batch, threads, device, mode, data, warmup }, env),
    asks: { "": { read: "always" }, "loss unread": { read: "end" } },
  }));
}
