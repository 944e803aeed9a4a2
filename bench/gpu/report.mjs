/** @file The table and the file of results. */

const number = (value, digits) => (value == null ? "" : value.toFixed(digits));

/** Digits that matter: 1234, 123.4, 12.34, 1.234. */
export function ms(value) {
  if (value == null) return "";
  return value.toFixed(Math.max(0, Math.min(3, 3 - Math.floor(Math.log10(Math.max(value, 1e-3))))));
}

/** Whole examples a second, but for slow ones. */
const rate = (value) => number(value, value < 10 ? 2 : 0);

const columns = [
  { title: "net", cell: (row) => row.model },
  { title: "batch", right: true, cell: (row) => String(row.batch) },
  { title: "by", cell: (row) => `${row.contender}${row.alone ? " (alone)" : ""}` },
  { title: "ms/step", right: true, cell: (row) => ms(row.medianMs) },
  { title: "min", right: true, cell: (row) => ms(row.minMs) },
  { title: "examples/s", right: true, cell: (row) => rate(row.perSecond) },
  { title: "÷ PyTorch", right: true, cell: (row) => number(row.ratio, 2) },
  { title: "GPU %", right: true, cell: (row) => number(row.gpuPercent, 0) },
  { title: "GPU MiB", right: true, cell: (row) => number(row.gpuMiB, 0) },
];

/** Rows as a table; a row without numbers says why instead of them. */
export function tableOf(rows) {
  const cells = rows.map((row) => columns.map(({ cell }) => cell(row)));
  const widths = columns.map(({ title }, i) =>
    Math.max(title.length, ...cells.map((line) => line[i].length)),
  );
  const pad = (line) =>
    line
      .map((text, i) => (columns[i].right ? text.padStart(widths[i]) : text.padEnd(widths[i])))
      .join("  ")
      .trimEnd();
  const head = pad(columns.map(({ title }) => title));
  const body = rows.map((row, i) =>
    row.status === "measured"
      ? pad(cells[i])
      : `${pad(cells[i].map((text, k) => (k < 3 ? text : "")))}  ${row.status}: ${row.reason}`,
  );
  return [head, "-".repeat(head.length), ...body].join("\n");
}

/**
 * Adds `ratio`: the time of a step divided by that of PyTorch without compilation, where both were measured.
 *
 * @typedef {{ model: string, batch: number, contender: string, status: string, [field: string]: unknown }} Row
 * @param {readonly Row[]} rows
 */
export function withRatios(rows) {
  const base = (row) =>
    rows.find(
      (one) =>
        one.model === row.model &&
        one.batch === row.batch &&
        one.status === "measured" &&
        one.baseline === true,
    );
  return rows.map((row) => {
    const peer = base(row);
    if (row.status !== "measured" || peer === undefined) return row;
    return { ...row, ratio: row.medianMs / peer.medianMs };
  });
}

/** The device in the results' name: a GPU where there is one, else what stands in for it. */
export function deviceName({ machine, chosen }) {
  const [gpu] = machine.gpus ?? [];
  if (gpu !== undefined) return gpu.name;
  const other = chosen.find(({ device }) => device !== "cpu");
  if (other === undefined) return `CPU ${machine.cpu}`;
  const kind = other.availability === "software" ? "software device, " : "";
  return `${kind}${other.detail}`;
}

/** As part of a file's name. */
export const slug = (text) =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 60);

/** Results are published: messages in them do not say where this lay on the machine. `folder` ends with a slash. */
export const withoutPath = (text, folder) => text.replaceAll(folder, "");

/** The results as they are written: `format` counts up when fields change their meaning. */
export function resultOf({
  date,
  build,
  machine,
  notes,
  probes,
  chosen,
  pytorch,
  options,
  equality,
  rows,
}) {
  return {
    format: 1,
    device: deviceName({ machine, chosen }),
    software: chosen.some(({ availability }) => availability === "software"),
    date: date.toISOString(),
    ...{ build, machine, notes, probes, pytorch, options, equality, rows },
  };
}

/** 0: all is well; 1: an engine is not equal to the reference, or nothing could be measured. */
export function exitCodeOf({ equality, rows }) {
  const isUnequal = equality.some(({ status }) => status === "unequal");
  return isUnequal || !rows.some(({ status }) => status === "measured") ? 1 : 0;
}
