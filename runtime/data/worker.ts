/** @file The thread that assembles batches. Messages only; it ends when told to. */
import { parentPort } from "node:worker_threads";
import { DlcError, type ExitReason } from "../errors.js";
import { assemble, type Batch, type EpochPlan, epochOrder } from "./assemble.js";

export type ToWorker =
  | { readonly kind: "begin"; readonly epoch: number; readonly plan: EpochPlan }
  | { readonly kind: "take"; readonly epoch: number; readonly index: number }
  | { readonly kind: "end"; readonly epoch: number }
  | { readonly kind: "close" };

export type FromWorker =
  | {
      readonly kind: "batch";
      readonly epoch: number;
      readonly index: number;
      readonly batch: Batch;
    }
  | {
      readonly kind: "error";
      readonly epoch: number;
      readonly index: number;
      /** `code` is null for a fault of dlc. */
      readonly error: {
        readonly code: string | null;
        readonly message: string;
        readonly place: string | null;
        readonly help: string | null;
        readonly reason: ExitReason;
        readonly stack: string | null;
      };
    };

interface OpenEpoch {
  readonly plan: EpochPlan;
  readonly order: Uint32Array<ArrayBuffer>;
}

const epochs = new Map<number, OpenEpoch | Error>();

function begin(epoch: number, plan: EpochPlan): void {
  try {
    epochs.set(epoch, { plan, order: epochOrder(plan) });
  } catch (error) {
    epochs.set(epoch, error instanceof Error ? error : new Error(String(error)));
  }
}

function take(epoch: number, index: number): void {
  try {
    const open = epochs.get(epoch);
    if (open === undefined) throw new Error(`epoch ${epoch} is not open`);
    if (open instanceof Error) throw open;
    const batch = assemble(open.plan, open.order, index);
    const buffers = Object.values(batch.inputs).map((t) => t.data.buffer as ArrayBuffer);
    send({ kind: "batch", epoch, index, batch }, [...buffers, batch.rows.buffer]);
  } catch (error) {
    const known = error instanceof DlcError ? error : null;
    send({
      kind: "error",
      epoch,
      index,
      error: {
        code: known?.code ?? null,
        message: error instanceof Error ? error.message : String(error),
        place: known?.place ?? null,
        help: known?.help ?? null,
        reason: known?.reason ?? "internal",
        stack: error instanceof Error ? (error.stack ?? null) : null,
      },
    });
  }
}

function send(message: FromWorker, transfer: readonly ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

parentPort?.on("message", (message: ToWorker) => {
  if (message.kind === "begin") begin(message.epoch, message.plan);
  else if (message.kind === "take") take(message.epoch, message.index);
  else if (message.kind === "end") epochs.delete(message.epoch);
  else parentPort?.close();
});
