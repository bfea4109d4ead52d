/** Everything that can be taken away. */

import { Refusal } from "../api/client";
import { onePart } from "../score/drawing";
import { rendered } from "../sound/wav";
import { shownNotes } from "../work/project";
import { attempt } from "../work/attempts";
import { exported, parts, project, title } from "../work/studio";
import { levels, soundings } from "../work/transport";
import { seconds } from "../work/studio";
import { Icon } from "./icons";

const LONGEST_AUDIO = 1200;
const MUSICXML = "application/vnd.recordare.musicxml+xml";

/** ``whose``: whose notes it holds. */
interface Kind { label: string; whose?: string; suffix: string; make: () => Promise<Blob> }

const KINDS: readonly Kind[] = [
  { label: "MIDI", suffix: "mid", make: () => exported("audio/midi") },
  { label: "MusicXML", suffix: "musicxml", make: () => exported(MUSICXML) },
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
        {KINDS.map(choice)}
        <p class="hint">One part alone (MusicXML)</p>
        {parts.value.map((part, n) => choice({ label: part.name, whose: part.name, suffix: "musicxml", make: () => single(n) }))}
      </div>
    </>
  );
}

function choice(kind: Kind) {
  const taken = (): void => {
    document.getElementById("downloads")?.hidePopover();
    void download(kind);
  };
  return <button key={kind.label} type="button" onClick={taken}>{kind.label}</button>;
}

async function download(kind: Kind): Promise<void> {
  const name = `${title.value} - ${kind.whose ?? project.value.ensemble.name}.${kind.suffix}`;
  await attempt(`Making ${kind.label}`, async () => save(await kind.make(), name), () => void download(kind));
}

async function single(part: number): Promise<Blob> {
  const score = await (await exported(MUSICXML)).text();
  return new Blob([onePart(score, part)], { type: MUSICXML });
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
