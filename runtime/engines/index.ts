/** @file The engines there are, and how one is chosen. */
import { availableParallelism } from "node:os";
import type { Engine } from "../engine.js";
import { DlcError } from "../errors.js";
import type { OpKind } from "../ops.js";
import { createOnnxEngine } from "./onnx/engine.js";
import { onnxLacks } from "./onnx/recorder.js";

export interface EngineOptions {
  /** "auto" (default) takes the fastest engine that is installed. */
  readonly engine?: string | undefined;
  /** "auto" (default) takes the engine's best device. */
  readonly device?: string | undefined;
  /** Threads of one operation; default: as many as the process may use. */
  readonly threads?: number | undefined;
}

/** Ops that each engine leaves to the compiler's expansions. */
export const engineLacks: Readonly<Record<string, readonly OpKind[]>> = { onnx: onnxLacks };

/** Engines with their devices, best first: what `engine` and `device` may name besides "auto". */
export const engineDevices: Readonly<Record<string, readonly string[]>> = { onnx: ["cpu"] };

const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(", ");

function missing(what: string, name: string, known: readonly string[], option: string): DlcError {
  return new DlcError(
    "engine-missing",
    `there is no ${what} '${name}'; there is ${quoted(known)}`,
    {
      help: `Use ${option} auto, or name one of ${quoted(known)}.`,
      reason: "environment",
    },
  );
}

/**
 * Starts an engine. `why` says in a few words what was chosen and for what reason.
 * Throws DlcError "engine-missing" where the engine or device asked for does not exist, and
 * "threads-invalid" for a number of threads that is not a whole number from 1.
 */
export async function createEngine(
  options: EngineOptions = {},
): Promise<{ engine: Engine; why: string }> {
  const { engine = "auto", device = "auto", threads = availableParallelism() } = options;
  if (!Number.isInteger(threads) || threads < 1) {
    throw new DlcError("threads-invalid", `threads must be a whole number from 1, not ${threads}`, {
      help: "Leave it out to use every core that is available.",
      reason: "usage",
    });
  }
  const name = engine === "auto" ? "onnx" : engine;
  const devices = Object.hasOwn(engineDevices, name) ? engineDevices[name] : undefined;
  if (devices === undefined) {
    throw missing("engine", engine, Object.keys(engineDevices), "--engine");
  }
  if (device !== "auto" && !devices.includes(device)) {
    throw missing(`device of engine '${name}' called`, device, devices, "--device");
  }
  const asked = engine === "auto" && device === "auto" ? "the only one installed" : "as asked";
  return {
    engine: await createOnnxEngine({ threads }),
    why: `onnx:cpu, ${threads} ${threads === 1 ? "thread" : "threads"} (${asked})`,
  };
}
