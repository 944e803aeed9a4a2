/** @file The main thread's side of the batch worker. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { DlcError } from "../errors.js";
import type { Batch, EpochPlan } from "./assemble.js";
import type { FromWorker, ToWorker } from "./worker.js";

interface Waiting {
  readonly resolve: (batch: Batch) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One thread for all epochs of a dataset. It never keeps the process alive by itself: it counts only
 * while an answer is awaited.
 */
export class BatchWorker {
  readonly #thread: Worker;
  readonly #waiting = new Map<string, Waiting>();
  #epochs = 0;
  #failure: unknown = null;
  #closing = false;
  readonly #ended: Promise<void>;

  /** null when this file runs from TypeScript sources, where there is no worker.js beside it. */
  static start(): BatchWorker | null {
    const url = new URL("./worker.js", import.meta.url);
    return existsSync(fileURLToPath(url)) ? new BatchWorker(url) : null;
  }

  private constructor(url: URL) {
    // Flags of the main script (--input-type, loaders) are not for this file.
    this.#thread = new Worker(url, { name: "dlc batches", execArgv: [] });
    this.#thread.unref();
    this.#thread.on("message", (message: FromWorker) => this.#receive(message));
    this.#thread.on("error", (error) => this.#fail(error));
    this.#ended = new Promise((resolve) => {
      this.#thread.on("exit", (status) => {
        this.#fail(new Error(`the batch worker ended (${status})`));
        resolve();
      });
    });
  }

  /** Announces an epoch; the number is for `take` and `end`. */
  begin(plan: EpochPlan): number {
    const epoch = this.#epochs++;
    this.#send({ kind: "begin", epoch, plan });
    return epoch;
  }

  take(epoch: number, index: number): Promise<Batch> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting.set(`${epoch}/${index}`, { resolve, reject });
      this.#thread.ref();
      this.#send({ kind: "take", epoch, index });
    });
  }

  end(epoch: number): void {
    if (this.#failure === null) this.#send({ kind: "end", epoch });
  }

  async close(): Promise<void> {
    if (this.#failure !== null) return;
    this.#closing = true;
    this.#thread.ref(); // the process must not end before the promise below settles
    this.#send({ kind: "close" });
    await this.#ended;
  }

  #send(message: ToWorker): void {
    this.#thread.postMessage(message);
  }

  #receive(message: FromWorker): void {
    const key = `${message.epoch}/${message.index}`;
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    if (this.#waiting.size === 0 && !this.#closing) this.#thread.unref();
    if (message.kind === "batch") waiting?.resolve(message.batch);
    else waiting?.reject(revive(message.error));
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    for (const waiting of this.#waiting.values()) waiting.reject(this.#failure);
    this.#waiting.clear();
  }
}

/** The error that the worker met, as the same kind of error here. */
function revive(error: Extract<FromWorker, { kind: "error" }>["error"]): Error {
  if (error.code === null) {
    const fault = new Error(error.message);
    if (error.stack !== null) fault.stack = error.stack;
    return fault;
  }
  return new DlcError(error.code, error.message, {
    ...(error.place === null ? {} : { place: error.place }),
    ...(error.help === null ? {} : { help: error.help }),
    reason: error.reason,
  });
}
