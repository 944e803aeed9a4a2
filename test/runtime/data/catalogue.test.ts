/** @file Every code of the data pipeline can be explained. */
import { expect, it } from "vitest";
import { dataEntries } from "../../../compiler/diagnostics/catalogue/data.js";
import { catalogue } from "../../../compiler/diagnostics/catalogue/index.js";
import { dataCodes } from "../../../runtime/data/index.js";

it("has an entry for each code, and no entry without a code", () => {
  expect(Object.keys(dataEntries).sort()).toEqual([...dataCodes].sort());
  for (const code of dataCodes) {
    // Not overridden by an entry of another stage with the same name.
    expect(catalogue[code]).toBe(dataEntries[code]);
    expect(dataEntries[code]).toMatchObject({ message: "{message}", help: "{help}" });
    expect(dataEntries[code].explain.length).toBeGreaterThan(40);
  }
});
