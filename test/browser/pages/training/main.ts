/** @file A page that trains, predicts and keeps weights as a test asks it to. */
import type { EpochRecord, TrainEvent } from "@dlc/runtime";
import { load, type Model } from "../../../../examples/browser/generated/mnist-cnn/index.js";
import { loadDigits } from "../../../../examples/browser/src/mnist.js";

interface Job {
  readonly engine: string;
  readonly device: string;
  readonly run: string;
  readonly count: number;
  readonly epochs: number;
}

let model: Model | null = null;
/** Steps done since the page was opened, for tests that wait for some. */
let steps = 0;

function current(): Model {
  if (model === null) throw new Error("there is no model");
  return model;
}

const encode = (bytes: Uint8Array): string =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
const decode = (text: string): Uint8Array => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

const api = {
  steps: () => steps,

  async train({ engine, device, run, count, epochs }: Job) {
    await model?.dispose();
    model = await load({ engine, device });
    let resumedFrom: number | null = null;
    const losses: number[] = [];
    const onEvent = (event: TrainEvent): void => {
      if (event.kind === "started") resumedFrom = event.resumedFrom?.step ?? null;
      if (event.kind !== "step") return;
      steps++;
      losses.push(event.loss);
    };
    const result = await model.train({
      data: await loadDigits(count),
      run,
      settings: { epochs, batch: 64 },
      onEvent,
    });
    const history: readonly EpochRecord[] = result.history;
    const { engine: used } = model;
    return {
      threads: used.threads,
      why: model.why,
      resumedFrom,
      losses,
      step: result.step,
      history,
    };
  },

  /** The bytes of a weights file, in base64. */
  weights: async () => encode(await current().save()),

  save: (name: string) => current().save(name),

  /** From bytes in base64, or by a name of this browser. */
  async load(engine: string, device: string, from: { bytes: string } | { name: string }) {
    await model?.dispose();
    const weights = "bytes" in from ? decode(from.bytes) : from.name;
    model = await load({ engine, device, weights });
    return model.why;
  },

  /** Probabilities of the first test digits, flat. */
  async predict(count: number): Promise<number[]> {
    const { image } = (await loadDigits(count * 5)).validation;
    const inputs = Array.from({ length: count }, (_, i) => ({
      image: { shape: [28, 28, 1] as const, data: image.data.slice(i * 784, (i + 1) * 784) },
    }));
    const answers = await current().predict(inputs);
    return answers.flatMap(({ probabilities }) => Object.values(probabilities));
  },
};

export type TrainingPage = typeof api;
Object.assign(globalThis, { dlc: api });
