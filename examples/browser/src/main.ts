/** @file The page: trains the network, asks it about drawings, and keeps its weights. */
import { DlcError, type TrainEvent } from "@dlc/runtime";
import { load, type Model } from "../generated/mnist-cnn/index.js";
import { createChart } from "./chart.js";
import { loadDigits } from "./mnist.js";
import { createPad } from "./pad.js";

/** The name under which this browser keeps weights. */
const kept = "digits.safetensors";

function element<E extends HTMLElement>(id: string, type: new () => E): E {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${type.name} '${id}'`);
  return found;
}
const button = (id: string): HTMLButtonElement => element(id, HTMLButtonElement);

const examples = element("examples", HTMLSelectElement);
const epochs = element("epochs", HTMLInputElement);
const engine = element("engine", HTMLSelectElement);
const start = button("start");
const progress = element("progress", HTMLProgressElement);
const file = element("file", HTMLInputElement);
const chart = createChart(element("chart", HTMLCanvasElement));
const pad = createPad(element("pad", HTMLCanvasElement), askSoon);
const bars = Array.from({ length: 10 }, () => {
  const item = document.createElement("li");
  item.append(document.createElement("span"));
  element("bars", HTMLOListElement).append(item);
  return item;
});

/** The model that answers; null while there is none with weights. */
let model: Model | null = null;
/** While it trains: what stops it. */
let training: AbortController | null = null;

function say(id: "status" | "answer" | "kept", text: string, failed = false): void {
  const place = element(id, HTMLParagraphElement);
  place.textContent = text;
  place.classList.toggle("failed", failed);
}

/** Runs what a button does; errors are told beside it. */
async function attempt(place: "status" | "kept", work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const help = error instanceof DlcError && error.help !== null ? ` ${error.help}` : "";
    say(place, `${error instanceof Error ? error.message : String(error)}.${help}`, true);
    if (!(error instanceof DlcError)) console.error(error);
  }
  showState();
}

function showState(): void {
  const busy = training !== null;
  for (const control of [
    examples,
    epochs,
    engine,
    button("over"),
    button("open"),
    button("restore"),
  ]) {
    control.disabled = busy;
  }
  for (const id of ["download", "save"]) button(id).disabled = busy || model === null;
  start.textContent = busy
    ? "Pause"
    : progress.value > 0 && progress.value < 1
      ? "Continue"
      : "Start";
}

async function open(weights?: Blob | string): Promise<Model> {
  const [name, device] = engine.value.split(":");
  return load({ engine: name, device, ...(weights === undefined ? {} : { weights }) });
}

/** Puts a model in the place of the one there was. */
async function use(next: Model): Promise<void> {
  const before = model;
  model = next;
  await before?.dispose();
  await ask();
}

function show(event: TrainEvent): void {
  if (event.kind === "started" && event.resumedFrom !== null) {
    say("status", `Goes on from step ${event.resumedFrom.step}.`);
  }
  if (event.kind === "warning") say("status", event.message);
  if (event.kind === "step") {
    const { epoch, batch, batches, step, loss, metrics } = event;
    progress.value = (epoch - 1 + batch / batches) / event.epochs;
    chart.step({ step, loss, accuracy: Number(metrics.accuracy) });
    const speed = Math.round(event.examplesPerSecond).toLocaleString("en");
    say(
      "status",
      `Epoch ${epoch} of ${event.epochs}, batch ${batch} of ${batches}: ${speed} digits/s`,
    );
  }
  if (event.kind === "epoch" && event.record.validation !== null) {
    const { loss, accuracy } = event.record.validation;
    chart.epoch({ step: event.record.step, loss: Number(loss), accuracy: Number(accuracy) });
  }
}

async function train(fresh: boolean): Promise<void> {
  const stop = new AbortController();
  training = stop;
  showState();
  if (fresh) chart.clear();
  let trained: Model | null = null;
  try {
    say("status", "Loading digits…");
    const count = Number(examples.value);
    const data = await loadDigits(count);
    say("status", "Starting…");
    trained = await open();
    const { why } = trained;
    const result = await trained.train({
      data,
      // A run of its own for each set of digits: the same again goes on where it was.
      run: `runs/digits-${count}`,
      settings: { epochs: epochs.valueAsNumber },
      signal: stop.signal,
      fresh,
      onEvent: show,
    });
    const accuracy = result.history.at(-1)?.validation?.accuracy;
    const percent =
      accuracy === undefined ? "" : `, ${(Number(accuracy) * 100).toFixed(1)} % right`;
    const state = result.status === "interrupted" ? "Paused" : "Trained";
    if (state === "Trained") progress.value = 1;
    say("status", `${state}: ${result.epochs} epochs, ${result.step} steps${percent}. ${why}`);
    const ready = trained;
    trained = null;
    await use(ready);
  } finally {
    training = null;
    await trained?.dispose();
  }
}

/** Asks the model about the drawing and shows what it says. */
async function ask(): Promise<void> {
  const drawn = pad.read();
  if (drawn === null) return;
  if (model === null) {
    say("answer", "Train the network first, or load weights.");
    return;
  }
  const { label, probabilities } = await model.predict({
    image: { shape: [28, 28, 1], data: drawn },
  });
  say("answer", `That is a ${label}, I am ${Math.round(probabilities[label] * 100)} % sure.`);
  Object.entries(probabilities).forEach(([digit, share]) => {
    const bar = bars[Number(digit)];
    bar?.style.setProperty("--share", String(share));
    bar?.classList.toggle("best", digit === label);
  });
}

let asking = false;
function askSoon(): void {
  if (asking) return;
  asking = true;
  setTimeout(async () => {
    asking = false;
    await attempt("status", ask);
  }, 60);
}

start.addEventListener("click", () => {
  if (training !== null) training.abort();
  else void attempt("status", () => train(false));
});
button("over").addEventListener("click", () => attempt("status", () => train(true)));
button("clear").addEventListener("click", () => {
  pad.clear();
  for (const bar of bars) bar.style.removeProperty("--share");
  say("answer", "Draw a digit.");
});
button("download").addEventListener("click", () =>
  attempt("kept", async () => {
    if (model === null) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([new Uint8Array(await model.save())]));
    link.download = "mnist-cnn.safetensors";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    say("kept", "Downloaded: load({ weights }) reads it in Node as well.");
  }),
);
button("open").addEventListener("click", () => file.click());
file.addEventListener("change", () =>
  attempt("kept", async () => {
    const [chosen] = file.files ?? [];
    file.value = "";
    if (chosen === undefined) return;
    await use(await open(chosen));
    say("kept", `Opened ${chosen.name}.`);
  }),
);
button("save").addEventListener("click", () =>
  attempt("kept", async () => {
    await model?.save(kept);
    say("kept", "Saved in this browser.");
  }),
);
button("restore").addEventListener("click", () =>
  attempt("kept", async () => {
    await use(await open(kept));
    say("kept", "Loaded from this browser.");
  }),
);
epochs.addEventListener("change", () => {
  if (!epochs.checkValidity()) epochs.value = "5";
});

say("status", "Ready: press Start.");
showState();
