/** @file Measures contenders on one net and batch size: all are started, then they take turns. */
import { median } from "../rounds.mjs";
import { Failure } from "./process.mjs";
import { busiest, growth } from "./sampler.mjs";

/**
 * Contenders have `title`, `launch()` (a process as process.mjs starts it, whose first line is {ready}), `asks`: what
 * is asked each round, by the name of the row. Gives for each contender a row per name, or one with the reason why
 * there are none.
 * A contender that has too little memory beside the others is measured once more, alone.
 */
export async function measureGroup(contenders, { batch, unit, seconds, rounds, timeout, sampler }) {
  const settings = { batch, unit, seconds, rounds, timeout, sampler };
  const groups = await takeTurns(contenders, settings);
  if (contenders.length === 1) return groups;
  const result = [];
  for (const [i, group] of groups.entries()) {
    if (group[0].status !== "out-of-memory") {
      result.push(group);
      continue;
    }
    const [again] = await takeTurns([contenders[i]], settings);
    result.push(again.map((row) => ({ ...row, alone: true })));
  }
  return result;
}

async function takeTurns(contenders, settings) {
  const { rounds } = settings;
  const runs = [];
  try {
    for (const contender of contenders) runs.push(await begin(contender, settings));
    for (let round = 0; round < rounds; round++) {
      for (const run of runs) if (run.failure === null) await oneRound(run, settings);
    }
  } finally {
    for (const { process } of runs) await process.close();
  }
  return runs.map((run) => rowsOf(run, settings));
}

async function begin(contender, { timeout, sampler }) {
  const before = await sampler.now();
  const process = contender.launch();
  const run = {
    contender,
    process,
    failure: null,
    ready: null,
    memory: null,
    measured: Object.fromEntries(Object.keys(contender.asks).map((name) => [name, empty()])),
  };
  try {
    run.ready = (await process.answer(timeout)).ready;
    run.memory = growth(before, await sampler.now());
  } catch (error) {
    await giveUp(run, error);
  }
  return run;
}

const empty = () => ({ times: [], loss: null, samples: [] });

async function giveUp(run, error) {
  if (!(error instanceof Failure)) throw error;
  run.failure = error;
  // What it holds is in the way of the others.
  await run.process.close(1);
}

async function oneRound(run, { seconds, timeout, sampler }) {
  for (const [name, question] of Object.entries(run.contender.asks)) {
    const start = performance.now();
    try {
      const { times, loss } = await run.process.ask({ ...question, seconds }, timeout);
      const measured = run.measured[name];
      measured.times.push(times);
      measured.loss = loss;
      measured.samples.push(...sampler.between(start, performance.now()));
    } catch (error) {
      return giveUp(run, error);
    }
  }
}

function rowsOf({ contender, failure, ready, measured, memory }, { batch, unit }) {
  const { label = contender.title } = ready ?? {};
  if (failure !== null) {
    return [{ contender: label, status: failure.status, reason: failure.message }];
  }
  return Object.entries(measured).map(([name, { times, loss, samples }]) => {
    const all = times.flat();
    const middle = median(all);
    return {
      contender: name === "" ? label : `${label}, ${name}`,
      status: "measured",
      reason: null,
      steps: all.length,
      medianMs: middle,
      minMs: Math.min(...all),
      medianOfRounds: times.map(median),
      perSecond: (batch * 1000) / middle,
      unit,
      firstLoss: ready.firstLoss,
      lastLoss: loss,
      openMs: ready.openMs ?? null,
      firstStepMs: ready.firstStepMs ?? null,
      stepsPerCall: ready.stepsPerCall ?? 1,
      gpuPercent: busiest(samples),
      gpuMiB: memory,
    };
  });
}
