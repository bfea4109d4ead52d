/** The parts: how they sound, how many notes they have, and what is known of them beforehand. */

import type { Part } from "../api/forms";
import { dropTarget } from "../roll/state";
import { PROGRAMS } from "../sound/programs";
import { PLAIN_SOUND } from "../work/project";
import { hint, measured, notes, parts, project, soundPart } from "../work/studio";
import { ProgramSelect } from "./EnsembleDialog";

export function PartsPanel() {
  const counts = new Map<number, number>();
  for (const note of notes.value) counts.set(note.part, (counts.get(note.part) ?? 0) + 1);
  return (
    <section class="panel" aria-labelledby="parts-title">
      <h2 class="panel-title" id="parts-title">Parts</h2>
      <ul class="parts">
        {parts.value.map((part, n) => <PartRow key={part.name} part={part} n={n} count={counts.get(n) ?? 0} />)}
      </ul>
    </section>
  );
}

function PartRow({ part, n, count }: { part: Part; n: number; count: number }) {
  const sound = project.value.sounds[part.name] ?? PLAIN_SOUND;
  const program = sound.program ?? part.program;
  return (
    <li class="part" data-part={n} data-target={dropTarget.value === n || undefined}>
      <span class="swatch" data-colour={n % 8} aria-hidden="true">{n + 1}</span>
      <span class="part-name">{part.name}</span>
      <span class="part-count">{accuracyOf(n) ?? `${count} ${count === 1 ? "note" : "notes"}`}</span>
      <span class="part-switches">
        <button type="button" class="switch" aria-pressed={sound.solo} aria-label={`Solo ${part.name}`} onClick={() => soundPart(part.name, { solo: !sound.solo }, `solo ${part.name}`)}>
          S
        </button>
        <button type="button" class="switch" aria-pressed={sound.muted} aria-label={`Mute ${part.name}`} onClick={() => soundPart(part.name, { muted: !sound.muted }, `mute ${part.name}`)}>
          M
        </button>
      </span>
      <details class="part-more">
        <summary>
          <span class="visually-hidden">{part.name}: </span>
          {PROGRAMS[program]}
        </summary>
        <label class="field">
          Instrument
          <ProgramSelect value={program} onChange={(chosen) => soundPart(part.name, { program: chosen }, `program ${part.name}`)} />
        </label>
        <label class="field">
          Volume
          <input
            type="range" min="0" max="1" step="0.01" value={sound.volume}
            onInput={(event) => soundPart(part.name, { volume: event.currentTarget.valueAsNumber }, `volume ${part.name}`)}
          />
        </label>
        <HintField label="First plays at quarter" part={part.name} kind="entries" max={100_000} step={0.5} />
        <HintField label="Lies around pitch" part={part.name} kind="meanPitch" max={127} step={1} />
      </details>
    </li>
  );
}

interface HintFieldProps {
  label: string;
  part: string;
  kind: "entries" | "meanPitch";
  max: number;
  step: number;
}

function HintField({ label, part, kind, max, step }: HintFieldProps) {
  const value = project.value[kind][part];
  return (
    <label class="field">
      {label}
      <input
        type="number" min="0" max={max} step={step} value={value ?? ""} placeholder="unknown"
        onChange={(event) => {
          const { valueAsNumber } = event.currentTarget;
          void hint(kind, part, Number.isFinite(valueAsNumber) ? Math.min(max, Math.max(0, valueAsNumber)) : null);
        }}
      />
    </label>
  );
}

/** How much of a part's true notes were found, while something is measured. */
function accuracyOf(n: number): string | null {
  const row = measured.value?.confusion[n];
  if (!row) return null;
  const all = row.reduce((sum, count) => sum + count, 0);
  return all ? `${((100 * (row[n] ?? 0)) / all).toFixed(1)} %` : "no notes";
}
