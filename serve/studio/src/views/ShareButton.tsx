/** A link that opens the same arrangement. */

import { attempt, say } from "../work/attempts";
import { link, project } from "../work/studio";
import { signal } from "@preact/signals";
import { Icon } from "./icons";

const made = signal("");

export function ShareButton() {
  return (
    <>
      <button type="button" class="icon-button" aria-label="Share a link" title="Share a link" popovertarget="share" disabled={!project.value.arrangement} onClick={() => void share()}>
        <Icon name="share" />
      </button>
      <div id="share" popover="auto" class="menu share">
        <p>This link holds the music and all that was decided; who opens it sees this arrangement.</p>
        <label class="field">
          Link
          <input readOnly value={made.value} onFocus={(event) => event.currentTarget.select()} />
        </label>
        <button type="button" class="button primary" onClick={() => void copy()}>Copy</button>
      </div>
    </>
  );
}

async function share(): Promise<void> {
  made.value = "";
  const done = await attempt(null, async () => {
    made.value = await link();
  }, null);
  if (!done) document.getElementById("share")?.hidePopover();
}

async function copy(): Promise<void> {
  try {
    await navigator.clipboard.writeText(made.value);
    say("Copied");
    document.getElementById("share")?.hidePopover();
  } catch {
    document.querySelector<HTMLInputElement>("#share input")?.select();
    say("Copy it with the keyboard: it is selected");
  }
}
