/** @file The models that train for longer. */
import { testModels } from "./training.js";

testModels(true);
