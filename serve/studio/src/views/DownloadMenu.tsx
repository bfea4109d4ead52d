/** Everything that can be taken away. */

import { Refusal } from "../api/client";
import { rendered } from "../sound/wav";
import { shownNotes } from "../work/project";
import { attempt } from "../work/attempts";
import { exported, project, title } from "../work/studio";
import { levels, soundings } from "../work/transport";
import { seconds } from "../work/studio";
import { Icon } from "./icons";

const LONGEST_AUDIO = 1200;

const KINDS: readonly { label: string; suffix: string; make: () => Promise<Blob> }[] = [
  { label: "MIDI", suffix: "mid", make: () => exported("audio/midi") },
  { label: "MusicXML", suffix: "musicxml", make: () => exported("application/vnd.recordare.musicxml+xml") },
  { label: "Audio (WAV)", suffix: "wav", make: audio },
  { label: "Picture (PNG)", suffix: "png", make: () => exported("image/png") },
  { label: "Data (JSON)", suffix: "json", make: json },
];

export function DownloadMenu() {
  return (
    <>
      <button type="button" class="icon-button" popovertarget="downloads" aria-label="Download" title="Download" disabled={!project.value.arrangement}>
        <Icon name="download" />
      </button>
      <div id="downloads" popover="auto" class="menu">
        {KINDS.map(({ label, suffix, make }) => (
          <button
            key={suffix} type="button"
            onClick={() => {
              document.getElementById("downloads")?.hidePopover();
              void download(label, suffix, make);
            }}
          >
            {label}
          </button>
        ))}
      </div>
    </>
  );
}

async function download(label: string, suffix: string, make: () => Promise<Blob>): Promise<void> {
  await attempt(`Making ${label}`, async () => save(await make(), `${title.value} - ${project.value.ensemble.name}.${suffix}`), () => void download(label, suffix, make));
}

async function audio(): Promise<Blob> {
  if (seconds.value > LONGEST_AUDIO) {
    throw new Refusal(422, "The piece is longer than the 20 minutes that can be rendered here.", "Download MIDI instead.");
  }
  return rendered(soundings.value, levels.value, seconds.value);
}

/** What is shown, as data: each note with its part. */
async function json(): Promise<Blob> {
  const { arrangement, ensemble, locks } = project.value;
  const notes = shownNotes(project.value).map(({ part, runnerUp, ...note }) => ({ ...note, part: ensemble.parts[part]?.name, runner_up: runnerUp }));
  const document = { ...arrangement, notes, alternatives: [], locks: Object.fromEntries(locks) };
  return new Blob([JSON.stringify(document)], { type: "application/json" });
}

export function save(blob: Blob, name: string): void {
  const anchor = document.createElement("a");
  anchor.href = URL.createObjectURL(blob);
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 60_000);
}
