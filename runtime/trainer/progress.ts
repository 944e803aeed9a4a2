/**
 * @file Shows a run as it goes: one live line on a terminal, a plain line per interval in a log, or
 * every event as NDJSON. Writes to the stream it is given and does nothing else.
 */
import type { EpochRecord, MetricValues, TrainEvent } from "./events.js";

export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

export interface ProgressOptions {
  readonly stream: ProgressStream;
  /** live: redraws a line; lines: plain text; json: NDJSON. Default: live on a terminal, else lines. */
  readonly mode?: "live" | "lines" | "json" | undefined;
  /** Default: on a terminal, unless NO_COLOR is set or TERM is dumb. */
  readonly color?: boolean | undefined;
  /** Least seconds between two lines within an epoch, or two redraws. Default 10 and 0.1. */
  readonly interval?: number | undefined;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Seconds. */
  readonly now?: () => number;
}

/** A listener for `TrainOptions.onEvent`. */
export function createProgress(options: ProgressOptions): (event: TrainEvent) => void {
  const { stream, environment = process.env, now = () => performance.now() / 1000 } = options;
  const dumb = environment.TERM === "dumb";
  const terminal = stream.isTTY === true && !dumb;
  const mode = options.mode ?? (terminal ? "live" : "lines");
  const color = options.color ?? (terminal && !environment.NO_COLOR);
  const interval = options.interval ?? (mode === "live" ? 0.1 : 10);
  const paint = painter(color && mode !== "json");
  let last = Number.NEGATIVE_INFINITY;
  let live = false;

  function isDue(): boolean {
    const time = now();
    if (time - last < interval) return false;
    last = time;
    return true;
  }
  function line(text: string): void {
    stream.write(`${live ? eraseLine : ""}${text}\n`);
    live = false;
  }
  function redraw(text: string): void {
    stream.write(`${eraseLine}${clip(text, (stream.columns ?? 80) - 1)}`);
    live = true;
  }

  if (mode === "json") {
    return (event) => {
      const passing = event.kind === "step" || event.kind === "validating";
      if (!passing || isDue()) stream.write(`${JSON.stringify(event)}\n`);
    };
  }
  return (event) => {
    if (event.kind === "step" || event.kind === "validating") {
      if (!isDue()) return;
      const text = event.kind === "step" ? stepText(event) : validatingText(event);
      if (mode === "live") redraw(text);
      else line(text);
      return;
    }
    const text = lastingText(event, paint);
    if (text === null) return;
    line(text);
    // The next line within an epoch comes a whole interval after the epoch's own.
    if (mode === "lines") last = now();
  };
}

const eraseLine = "\r\u001b[2K";

type Paint = (style: "bold" | "dim" | "yellow", text: string) => string;

function painter(color: boolean): Paint {
  const codes = { bold: [1, 22], dim: [2, 22], yellow: [33, 39] } as const;
  return (style, text) => {
    const [on, off] = codes[style];
    return color ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  };
}

/** Only plain text is clipped, so an escape sequence is never cut. */
function clip(text: string, width: number): string {
  return text.length > width ? text.slice(0, Math.max(0, width)) : text;
}

type Event<K extends TrainEvent["kind"]> = Extract<TrainEvent, { kind: K }>;

function stepText(event: Event<"step">): string {
  const percent = Math.floor((100 * event.batch) / event.batches);
  const eta = event.remaining === null ? "" : `  ${duration(event.remaining)} left`;
  const values = scalars({ loss: event.meanLoss, ...event.metrics });
  return `epoch ${event.epoch}/${event.epochs} ${String(percent).padStart(3)} %  ${values}  ${Math.round(event.examplesPerSecond)} examples/s${eta}`;
}

function validatingText({ epoch, epochs, batch, batches }: Event<"validating">): string {
  const percent = Math.floor((100 * batch) / batches);
  return `epoch ${epoch}/${epochs} validating ${String(percent).padStart(3)} %`;
}

type Lasting = {
  readonly [K in Exclude<TrainEvent["kind"], "step" | "validating">]: (
    event: Event<K>,
    paint: Paint,
  ) => string | null;
};

const lasting: Lasting = {
  started: (event, paint) => {
    const { examples } = event;
    const held = examples.validation > 0 ? `, validating on ${examples.validation}` : "";
    const done = (event.resumedFrom?.epoch ?? 1) - 1;
    const more =
      done > event.epochs
        ? `\n${plural(done, "epoch")} are done already, more than are asked for now`
        : "";
    const from =
      event.resumedFrom === null || event.resumedFrom.epoch > event.epochs
        ? ""
        : `\ncontinuing at epoch ${event.resumedFrom.epoch}, step ${event.resumedFrom.step}`;
    const start =
      event.startedFrom === null
        ? ""
        : `\nstarting from ${event.startedFrom.from}: ${plural(event.startedFrom.tensors, "tensor")}`;
    return [
      paint("bold", event.run),
      paint("dim", `  ${event.why}`),
      `\n${plural(event.parameters, "parameter")}, training on ${plural(examples.train, "example")}${held}`,
      `, ${plural(event.epochs, "epoch")} of ${plural(event.batchesPerEpoch, "batch", "batches")}${start}${from}${more}`,
    ].join("");
  },
  epoch: ({ record, epochs, isBest, seconds, examplesPerSecond }, paint) =>
    [
      paint("bold", `epoch ${record.epoch}/${epochs}`),
      metricsText(record),
      record.scaled && record.scaled.skipped > 0
        ? paint("dim", `${plural(record.scaled.skipped, "step")} skipped`)
        : "",
      paint("dim", `${Math.round(examplesPerSecond)} examples/s  ${duration(seconds)}`),
      isBest ? "best" : "",
    ]
      .filter((part) => part !== "")
      .join("  "),
  // One per epoch would double every log; the folder shows them.
  checkpoint: () => null,
  warning: ({ message }, paint) => `${paint("yellow", "warning:")} ${message}`,
  finished: ({ result }, paint) => {
    const { best, monitor, alreadyFinished, status } = result;
    const endings = {
      finished: ["finished", ""],
      "early-stopping": ["stopped early", "; it no longer improved"],
      interrupted: ["interrupted", "; the same command continues"],
      "time-limit": ["paused at the time limit", "; the same command continues"],
    } as const;
    const [ending, promise] = endings[status];
    const stopped = status === "interrupted" || status === "time-limit";
    const more = stopped && result.weights === "" ? "; nothing was trained yet" : promise;
    const text = `${alreadyFinished ? "already " : ""}${ending}`;
    // Where the last epoch counts as the best, that says nothing.
    const bestText =
      best === null || monitor === "epoch"
        ? ""
        : `, best epoch ${best.epoch} (${monitor} ${number(best.value)})`;
    return `${paint("bold", text)} after ${plural(result.epochs, "epoch")}${bestText}${more}\n${result.run}`;
  },
};

function lastingText(
  event: Exclude<TrainEvent, { kind: "step" | "validating" }>,
  paint: Paint,
): string | null {
  const show = lasting[event.kind] as (e: typeof event, paint: Paint) => string | null;
  return show(event, paint);
}

/** Validation values where there are any, with the training loss beside them. */
function metricsText({ train, validation }: EpochRecord): string {
  const own = scalars(train);
  if (validation === null) return own;
  return `loss ${number(train.loss as number)}  validation: ${scalars(validation)}`;
}

function scalars(values: MetricValues): string {
  return Object.entries(values)
    .filter((entry): entry is [string, number] => typeof entry[1] === "number")
    .map(([name, value]) => `${name} ${number(value)}`)
    .join("  ");
}

/** Four significant digits. */
function number(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(4))) : String(value);
}

/** `8 s`, `3 min 20 s`, `2 h 5 min`. */
function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
