// SPDX-License-Identifier: Apache-2.0
// The page "Risk Exchange": Airflow imports this file and takes the component by this name.
import { App } from "./app.js";

globalThis["Risk Exchange"] = App;
