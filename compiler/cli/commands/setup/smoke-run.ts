/** @file Does the binding compute? Asked in a process of its own. */
import { fileURLToPath } from "node:url";
import { gist, runTool } from "../../tool.js";

export type SmokeTest =
  | {
      readonly works: true;
      readonly version: string;
      readonly gpu: boolean;
      /** What TensorFlow says of GPUs, where it uses none. */
      readonly warnings: string;
    }
  | { readonly works: false; readonly reason: string };

/** Loading the libraries takes a second; on a GPU that they have no code for, compiling it takes minutes. */
const limitMs = 600_000;

function parsed(output: string): { product: unknown; version: string; gpu: boolean } | null {
  const line = output.split("\n").findLast((text) => text.startsWith('{"product":'));
  return line === undefined ? null : (JSON.parse(line) as ReturnType<typeof parsed>);
}

const aboutGpus = (output: string): string =>
  output
    .split("\n")
    .filter((line) => /\b(GPUs?|CUDA|cuDNN|driver)\b/i.test(line) && !line.startsWith("{"))
    // `2026-01-31 12:00:00.123: W file.cc:7] text`
    .map((line) => line.replace(/^.*?\] /, ""))
    .slice(0, 2)
    .join(" ");

/** @throws Interrupted */
export async function smokeTest(
  packageFolder: string,
  signal: AbortSignal | undefined,
): Promise<SmokeTest> {
  const script = fileURLToPath(new URL("./smoke.js", import.meta.url));
  const { outcome, output } = await runTool(process.execPath, [script, packageFolder], {
    // From warnings on.
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: "1" },
    signal,
    limitMs,
  });
  const answer = outcome === "ok" ? parsed(output) : null;
  if (answer === null) {
    const late = `it did not answer in ${limitMs / 60_000} minutes`;
    return { works: false, reason: outcome === "late" ? late : gist(output) };
  }
  const { product, version, gpu } = answer;
  return String(product) === "7,10,15,22"
    ? { works: true, version, gpu, warnings: gpu ? "" : aboutGpus(output) }
    : { works: false, reason: `[1 2; 3 4]² came out as ${String(product)}` };
}
