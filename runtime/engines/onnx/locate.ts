/** @file What ONNX Runtime says when a run fails, told in terms of the program: its layers and tensors. */
import type { Program } from "../../program.js";
import { deviceFault } from "../device-faults.js";
import { plannedTensors } from "./memory.js";
import type { Recording } from "./record.js";

export interface FailedRun {
  readonly recording: Recording;
  readonly program: Program;
  readonly batch: number;
  readonly device: string;
  /** The program recorded for another batch size. */
  readonly record: (batch: number) => Recording;
  /** Bytes of the device's memory; null: unknown. */
  readonly memory?: (() => Promise<number | null>) | undefined;
}

/** The layer of the node that the message names. */
function placeOf(message: string, { graph }: Recording): string {
  const names = [...graph.nodeNames()].filter((name) => message.includes(name));
  const node = names.sort((a, b) => b.length - a.length)[0];
  const source = node === undefined ? undefined : graph.sourceOf(node);
  return source === undefined ? "" : ` in ${source.op} of layer '${source.scope}'`;
}

/**
 * A fault of the device as DlcError (device-faults.ts); any other error with the program's name and the place in
 * it.
 */
export async function locate(error: unknown, failed: FailedRun): Promise<Error> {
  const { recording, program, batch, device, record, memory } = failed;
  const fault = await deviceFault(error, {
    ...{ engine: "onnx", device, program: program.name, batch },
    tensors: (n) => plannedTensors(n === batch ? recording : record(n)),
    ...(memory && { available: memory }),
  });
  if (fault !== null) return fault;
  const message = error instanceof Error ? error.message : String(error);
  const place = placeOf(message, recording);
  return new Error(`program ${program.name} failed${place}: ${message}`, { cause: error });
}
