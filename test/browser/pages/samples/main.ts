/** @file A page that computes the samples of all ops, on an engine that the test names. */
import { browserEntries } from "../../../../runtime/engines/browser.js";
import { allSamples } from "../../../support/op-samples.js";
import { sampleResults } from "../../../support/sample-error.js";

function entryOf(name: string) {
  const entry = browserEntries.find((one) => one.name === name);
  if (entry === undefined) throw new Error(`there is no engine '${name}'`);
  return entry;
}

async function samples(name: string, device: string, threads: number) {
  const engine = await entryOf(name).start(device, { threads });
  const errors: { title: string; kind: string; error: number; fault?: string }[] = [];
  for (const c of allSamples) {
    const { title, kind } = c;
    try {
      const results = await sampleResults(engine, c);
      const wrong = results.find(({ type, expectedType }) => type !== expectedType);
      const error = Math.max(0, ...results.map((result) => result.error));
      errors.push({ title, kind, error, ...(wrong && { fault: `${wrong.type}, not ${wrong.expectedType}` }) });
    } catch (error) {
      errors.push({ title, kind, error: Number.POSITIVE_INFINITY, fault: String(error) });
    }
  }
  const { threads: used } = engine;
  await engine.dispose();
  return { threads: used, errors };
}

const api = { samples, probe: (name: string, device: string) => entryOf(name).probe(device) };
export type SamplesPage = typeof api;
Object.assign(globalThis, { dlc: api });
