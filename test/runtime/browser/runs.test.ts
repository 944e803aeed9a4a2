/** @file Runs of a page: kept, continued, locked, and the same bytes as in Node. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createModel, type Model, type TrainEvent } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import type { Storage } from "../../../runtime/browser/storage.js";
import { contentOf, loadOn, sites, tinyColumns } from "../../support/page.js";
import { tinyModel } from "../../support/tiny-model.mjs";
import { engine, fingerprint, runFolders } from "../../support/tiny-runs.js";

const definition = tinyModel({
  ema: true,
  settings: { epochs: 3, metrics: [{ kind: "accuracy" }], checkpoint: { everySteps: 3, keep: 2 } },
});
const data = { train: tinyColumns(52, 1), validation: tinyColumns(20, 2) };
const run = "runs/tiny";
const newRun = runFolders();

/** Trains until the batch `at`, or to the end; what became of it. */
async function trainOn(storage: Storage, at = Number.POSITIVE_INFINITY) {
  const model = await loadOn(storage, definition);
  const stop = new AbortController();
  const events: TrainEvent[] = [];
  let batches = 0;
  const onEvent = (event: TrainEvent): void => {
    events.push(event);
    if (event.kind === "step" && ++batches === at) stop.abort();
  };
  const result = await model.train({ data, run, signal: stop.signal, onEvent });
  const weights = fingerprint(await model.read());
  await model.dispose();
  return { result, weights, events };
}

const codes = (events: readonly TrainEvent[]): string[] =>
  events.flatMap((event) => (event.kind === "warning" ? [event.code] : []));

describe.each(Object.entries(sites))("runs in %s", (kind, newSite) => {
  it("end alike whenever they were interrupted and the page reloaded", async () => {
    const whole = await trainOn(newSite()());
    expect(whole.result.status).toBe("finished");
    const steps = whole.events.filter((event) => event.kind === "step").length;
    for (let at = 1; at < steps; at++) {
      const open = newSite();
      const part = await trainOn(open(), at);
      expect(part.result.status).toBe("interrupted");
      const rest = await trainOn(open());
      expect(rest.weights).toBe(whole.weights);
      expect(rest.result).toEqual({
        ...whole.result,
        ...{ best: rest.result.best, weights: rest.result.weights },
      });
      expect(rest.result.best).toMatchObject({
        ...whole.result.best,
        checkpoint: expect.anything(),
      });
    }
  });

  it("have the files of a run folder, byte for byte", async () => {
    const open = newSite();
    await trainOn(open());
    const folder = newRun();
    const node = await createModel(definition, { engine });
    await node.train({ run: folder, data });
    await node.dispose();
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    const inNode = files.map((file) => [
      `${run}${file.slice(folder.length)}`,
      readFileSync(file).toString("base64"),
    ]);
    expect(await contentOf(open())).toEqual(Object.fromEntries(inNode));
  });

  it("say that they are lost with the page where they are", async () => {
    const { events } = await trainOn(newSite()());
    expect(codes(events)).toEqual(kind === "memory" ? ["run-in-memory"] : []);
  });

  it("start over with fresh, and refuse other data without it", async () => {
    const open = newSite();
    await trainOn(open());
    const model = await loadOn(open(), definition);
    const other = { ...data, train: tinyColumns(52, 9) };
    await expect(model.train({ run, data: other })).rejects.toMatchObject({
      code: "different-run",
      place: run,
    });
    expect(await model.train({ run, data: other, fresh: true })).toMatchObject({
      status: "finished",
      alreadyFinished: false,
    });
    await model.dispose();
  });

  it("are trained by one call at a time", async () => {
    const open = newSite();
    const [first, second] = [await loadOn(open(), definition), await loadOn(open(), definition)];
    const both = await Promise.allSettled([
      first.train({ run, data }),
      second.train({ run, data }),
    ]);
    const refused = both.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
    expect(refused).toMatchObject([{ code: "run-busy", place: run }]);
    await expect(second.train({ run, data })).resolves.toMatchObject({ alreadyFinished: true });
    await Promise.all([first.dispose(), second.dispose()]);
  });

  it("continue from the checkpoint before one that is damaged", async () => {
    const open = newSite();
    const whole = await trainOn(open());
    const storage = open();
    const path = `${whole.result.weights}/weights.safetensors`;
    const bytes = (await storage.read(path)) ?? new Uint8Array();
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await storage.change({ [path]: bytes });
    await expect(loadOn(open(), definition, whole.result.weights)).rejects.toMatchObject({
      code: "damaged-weights",
      place: whole.result.weights,
    });
    const again = await trainOn(open());
    expect(codes(again.events)).toContain("damaged-checkpoint");
    expect(again.weights).toBe(whole.weights);
  });
});

it("training leaves the page its turn: a timer can end it", async () => {
  const open = (sites.memory as () => () => Storage)();
  const endless = tinyModel({ settings: { epochs: 1_000_000 } });
  const model: Model = await loadOn(open(), endless);
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 1);
  const result = await model.train({ data, run, signal: stop.signal });
  expect(result.status).toBe("interrupted");
  await model.dispose();
});
