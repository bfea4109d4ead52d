/** Keys that mean the same everywhere on the page. */

import { redoChange, undoChange, view } from "../work/studio";
import { togglePlay } from "../work/transport";

export function hearKeys(): void {
  addEventListener("keydown", (event) => {
    const at = event.target as HTMLElement;
    if (at.matches("input:not([type=range], [type=radio]), select, textarea") || at.closest("dialog")) return;
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (command && key === "z") (event.shiftKey ? redoChange : undoChange)();
    else if (command && key === "y") redoChange();
    else if (event.key === " " && !at.matches("button, summary, a") && view.value !== "live") void togglePlay();
    else return;
    event.preventDefault();
  });
}
