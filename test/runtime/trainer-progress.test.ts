/** @file What a run prints: one live line on a terminal, plain lines in a log, NDJSON for machines. */
import { createProgress, type ProgressOptions, type TrainEvent } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import { createPace } from "../../runtime/trainer/pace.js";
import { tinyModel } from "../support/tiny-model.mjs";
import { runFolders, trainTiny } from "../support/tiny-runs.js";

const newRun = runFolders();

/** The events of a real run, and steps that come a second apart. */
async function record(): Promise<readonly TrainEvent[]> {
  const { events } = await trainTiny(tinyModel({ settings: { epochs: 3 } }), newRun());
  return events;
}
function print(
  events: readonly TrainEvent[],
  options: Partial<ProgressOptions> & { isTTY?: boolean; columns?: number },
): string {
  const { isTTY, columns, ...rest } = options;
  let text = "";
  let time = 0;
  const show = createProgress({
    stream: { write: (part) => (text += part), isTTY, columns },
    environment: {},
    now: () => time,
    ...rest,
  });
  for (const event of events) {
    time += 1;
    show(event);
  }
  return text;
}
const esc = "\u001b";

describe("progress", () => {
  it("is plain lines in a log: no control characters, not more than one per interval", async () => {
    const events = await record();
    const text = print(events, { interval: 4 });
    expect(text).not.toMatch(/[^\P{Cc}\n]/u);
    const lines = text.trimEnd().split("\n");
    const within = lines.filter((line) => line.includes("examples/s") && line.includes("%"));
    expect(within.length).toBeGreaterThan(0);
    expect(within.length).toBeLessThanOrEqual(events.length / 4);
    expect(lines.filter((line) => line.startsWith("epoch 3/3"))).not.toEqual([]);
    expect(text).toContain(
      "51 parameters, training on 52 examples, validating on 20, 3 epochs of 4 batches",
    );
    expect(text).toMatch(/epoch 1\/3 {2}loss [\d.]+ {2}validation: loss [\d.]+ {2}accuracy [\d.]+/);
    expect(lines.at(-2)).toMatch(/^finished after 3 epochs, best epoch \d \(loss [\d.]+\)$/);
  });

  it("is one line that is redrawn on a terminal, no wider than that", async () => {
    const events = await record();
    const text = print(events, { isTTY: true, columns: 40 });
    const redraws = text.split(`\r${esc}[2K`).slice(1);
    expect(redraws.length).toBeGreaterThan(10);
    for (const redraw of redraws.filter((part) => part.includes("%"))) {
      expect(redraw.length).toBeLessThan(40);
      expect(redraw).not.toContain("\n");
    }
    // What stays is on lines of its own: each is written over the live one.
    const lasting = text.split("\n").map((line) => line.split(`${esc}[2K`).at(-1) ?? "");
    expect(
      lasting.filter((line) => line.includes("epoch")).every((line) => !line.includes("%")),
    ).toBe(true);
  });

  it("has colour on a terminal only, and not with NO_COLOR or a dumb terminal", async () => {
    const events = await record();
    const bold = `${esc}[1m`;
    expect(print(events, { isTTY: true })).toContain(bold);
    expect(print(events, {})).not.toContain(bold);
    expect(print(events, { isTTY: true, environment: { NO_COLOR: "1" } })).not.toContain(bold);
    expect(print(events, { isTTY: true, environment: { NO_COLOR: "" } })).toContain(bold);
    expect(print(events, { isTTY: true, environment: { TERM: "dumb" } })).not.toContain(esc);
    expect(print(events, { color: true })).toContain(bold);
  });

  it("is one JSON document per line for machines", async () => {
    const events = await record();
    const lines = print(events, { mode: "json", interval: 0 }).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
      events.map((event) => JSON.parse(JSON.stringify(event)) as unknown),
    );
    const fewer = print(events, { mode: "json", interval: 5 }).trimEnd().split("\n");
    const kinds = fewer.map((line) => (JSON.parse(line) as TrainEvent).kind);
    expect(kinds.filter((kind) => kind === "epoch")).toHaveLength(3);
    expect(kinds.filter((kind) => kind === "step").length).toBeLessThan(12);
  });

  it("tells of a resumed run, of warnings and of an interruption", () => {
    const result = { status: "interrupted", epochs: 1, best: null, run: "runs/x" };
    const text = print(
      [
        { kind: "warning", code: "damaged-checkpoint", message: "it is damaged" },
        { kind: "finished", result } as TrainEvent,
      ],
      {},
    );
    expect(text).toBe(
      "warning: it is damaged\ninterrupted after 1 epoch; the same command continues\nruns/x\n",
    );
  });
});

describe("pace", () => {
  it("estimates the rest from the median of recent batches", () => {
    let time = 0;
    const pace = createPace(() => time);
    expect(pace.remaining(10, 0)).toBeNull();
    for (const seconds of [1, 1, 30, 1, 1]) {
      time += seconds;
      pace.batchesDone([64]);
    }
    expect(pace.remaining(10, 2)).toBe(10);
    pace.validationDone(5);
    expect(pace.remaining(10, 2)).toBe(20);
    time += 100;
    pace.pause();
    time += 1;
    pace.batchesDone([64]);
    expect(pace.remaining(1, 0)).toBe(1);
    expect(pace.examplesPerSecond).toBeCloseTo((6 * 64) / 35, 12);
  });
});
