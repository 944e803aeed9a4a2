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
  const results: { title: string; kind: string; error: number; fault: string | null }[] = [];
  for (const c of allSamples) {
    const { title, kind } = c;
    try {
      const found = await sampleResults(engine, c);
      const wrong = found.find(({ type, expectedType }) => type !== expectedType);
      const fault = wrong === undefined ? null : `${wrong.type}, not ${wrong.expectedType}`;
      results.push({ title, kind, error: Math.max(0, ...found.map(({ error }) => error)), fault });
    } catch (error) {
      results.push({ title, kind, error: Number.POSITIVE_INFINITY, fault: String(error) });
    }
  }
  const { threads: used } = engine;
  await engine.dispose();
  return { threads: used, results };
}

const api = { samples, probe: (name: string, device: string) => entryOf(name).probe(device) };
export type SamplesPage = typeof api;
Object.assign(globalThis, { dlc: api });
