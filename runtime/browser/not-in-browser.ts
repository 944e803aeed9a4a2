/** @file The error for what a page cannot do. */
import { DlcError } from "../errors.js";

/** `what` needs files or libraries that only Node has. */
export const notInBrowser = (place: string, what: string, help: string): DlcError =>
  new DlcError("not-in-browser", `${what}, which a browser cannot do`, { place, help });
