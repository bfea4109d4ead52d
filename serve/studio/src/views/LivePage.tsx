/** Play, and each key is answered by its instrument. */

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { PROGRAMS } from "../sound/programs";
import { hearComputerKeys, hearMidi, midiInputs, octave } from "../work/keyboards";
import {
  connect, duetState, end, keysDown, latencies, lift, liveNotes, liveParts, pedal, press, recording, state,
} from "../work/live";
import { tell } from "../work/attempts";
import { models, openSource, project, view } from "../work/studio";
import { Refusal } from "../api/client";
import { save } from "./DownloadMenu";
import { EnsemblePanel } from "./EnsemblePanel";
import { Keys } from "./Keys";
import { LiveStrip } from "./LiveStrip";

const duet = signal(false);
const hands = { press, lift, pedal };

export function LivePage() {
  useEffect(() => hearComputerKeys(hands), []);
  useEffect(() => () => end(), []);
  const on = state.value === "on";
  return (
    <div class="live">
      <div class="live-head">
        {state.value === "off" && <EnsemblePanel modes={false} />}
        <section class="panel" aria-labelledby="live-title">
          <h2 class="panel-title" id="live-title">Play live</h2>
          <div class="row wrap">
            {on ? (
              <button type="button" class="button primary" onClick={end}>End and keep the recording</button>
            ) : (
              <button type="button" class="button primary" disabled={state.value === "connecting"} onClick={begin}>
                {state.value === "connecting" ? "Connecting…" : "Begin"}
              </button>
            )}
            <button type="button" class="button" onClick={() => void findMidi()}>
              {midiInputs.value.length ? midiInputs.value.join(", ") : "Find MIDI keyboards"}
            </button>
            {!on && models.value.some((one) => one.kind === "continues") && (
              <label class="check">
                <input type="checkbox" checked={duet.value} onChange={(event) => (duet.value = event.currentTarget.checked)} />
                Duet: answer me when I pause
              </label>
            )}
          </div>
          <p class="hint">
            Touch the keys below, use a MIDI keyboard, or the computer's: <kbd>A</kbd> is C{octave.value}, <kbd>W</kbd> the black key beside
            it; <kbd>Z</kbd> and <kbd>X</kbd> change the octave.
          </p>
        </section>
        {on && <Latency />}
      </div>
      {liveParts.value.length > 0 && <LiveParts />}
      <LiveStrip />
      <Keys />
      {recording.value && <Recorded midi={recording.value} />}
    </div>
  );
}

function begin(): void {
  const { ensemble, builtIn } = project.value;
  connect({ ensemble, builtIn, duet: duet.value });
}

async function findMidi(): Promise<void> {
  try {
    await hearMidi(hands);
    if (midiInputs.value.length === 0) throw new Error("No MIDI keyboard is connected.");
  } catch (error) {
    tell(new Refusal(404, (error as Error).message, "Connect one and allow this page to hear it, or use the keys below."));
  }
}

function Latency() {
  const sorted = [...latencies.value].sort((a, b) => a - b);
  const last = latencies.value.at(-1);
  const median = sorted[sorted.length >> 1];
  return (
    <section class="panel" aria-labelledby="latency-title">
      <h2 class="panel-title" id="latency-title">Answer</h2>
      <p class="figure">{last === undefined ? "–" : `${last.toFixed(1)} ms`}</p>
      <p class="hint">{median === undefined ? "from key to answer" : `median ${median.toFixed(1)} ms`}{duetState.value ? ` · duet: ${duetState.value}` : ""}</p>
    </section>
  );
}

function LiveParts() {
  const down = new Set(liveNotes.value.filter((note) => note.end === null && keysDown.value.has(note.pitch)).map((note) => note.part));
  return (
    <ul class="live-parts" aria-label="Parts">
      {liveParts.value.map((part, n) => (
        <li key={part.name} data-sounding={down.has(n) || undefined}>
          <span class="swatch" data-colour={n % 8} aria-hidden="true">{n + 1}</span>
          {part.name} <small>{PROGRAMS[part.program]}</small>
        </li>
      ))}
    </ul>
  );
}

function Recorded({ midi }: { midi: Uint8Array<ArrayBuffer> }) {
  const open = async (): Promise<void> => {
    view.value = "arrange";
    await openSource({ kind: "file", name: "Played live.mid", title: "Played live", bytes: midi });
  };
  return (
    <section class="panel" aria-labelledby="recorded-title">
      <h2 class="panel-title" id="recorded-title">What you played</h2>
      <div class="row wrap">
        <button type="button" class="button primary" onClick={() => void open()}>Open it in Arrange</button>
        <button type="button" class="button" onClick={() => save(new Blob([midi], { type: "audio/midi" }), "Played live.mid")}>Download MIDI</button>
      </div>
    </section>
  );
}
