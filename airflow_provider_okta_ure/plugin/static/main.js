// SPDX-License-Identifier: Apache-2.0
// The page "User Risk": Airflow imports this file and takes the component by this name.
import { App } from "./app.js";

globalThis["User Risk"] = App;
