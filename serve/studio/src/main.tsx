/** Begins the studio: restores what was there, shows the page, hears the keys that mean something everywhere. */

import { render } from "preact";
import { App } from "./views/App";
import { applyTheme } from "./views/theme";
import { hearKeys } from "./views/shortcuts";
import { connectPlayer } from "./work/transport";
import { openLink, saveNow, start } from "./work/studio";

applyTheme();
connectPlayer();
hearKeys();
render(<App />, document.getElementById("studio")!);
addEventListener("pagehide", saveNow);
addEventListener("hashchange", () => void openLink());
void start();
