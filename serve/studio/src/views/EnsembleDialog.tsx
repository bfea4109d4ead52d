/** An ensemble of one's own: its parts, the highest first. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Ensemble, Part } from "../api/forms";
import { PROGRAMS, pitchName } from "../sound/programs";
import { chooseEnsemble, ensembles, keepEnsemble } from "../work/studio";
import { IconButton } from "./Header";

const MOST_PARTS = 32;
const NEW_PART: Part = { name: "", program: 73, low: 48, high: 84, voices: 1 };

export function EnsembleDialog({ from, onClose }: { from: Ensemble; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const builtIn = ensembles.value.some((known) => known.name === from.name);
  const [name, setName] = useState(builtIn ? `My ${from.name}` : from.name);
  const [parts, setParts] = useState<readonly Part[]>(from.parts);
  useEffect(() => dialog.current?.showModal(), []);
  const fault = faultOf(name, parts);

  const change = (n: number, part: Partial<Part>): void => setParts(parts.map((one, i) => (i === n ? { ...one, ...part } : one)));
  const accept = (): void => {
    const ensemble = { name: name.trim(), parts: parts.map((part) => ({ ...part, name: part.name.trim() })) };
    keepEnsemble(ensemble);
    onClose();
    void chooseEnsemble(ensemble, false);
  };
  return (
    <dialog ref={dialog} class="dialog wide" aria-labelledby="ensemble-dialog-title" onClose={onClose}>
      <h2 id="ensemble-dialog-title">An ensemble of your own</h2>
      <label class="field">
        Name
        <input value={name} maxLength={60} onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <ol class="ensemble-parts">
        {parts.map((part, n) => (
          <PartRow key={n} n={n} part={part} onChange={(next) => change(n, next)} onRemove={() => setParts(parts.filter((_, i) => i !== n))} />
        ))}
      </ol>
      <button type="button" class="button" disabled={parts.length >= MOST_PARTS} onClick={() => setParts([...parts, NEW_PART])}>
        Add a part
      </button>
      <p class="hint" role="status">{fault ?? "The highest part first. Voices: how many notes it may hold at once."}</p>
      <div class="row end">
        <button type="button" class="button" onClick={onClose}>Cancel</button>
        <button type="button" class="button primary" disabled={fault !== null} onClick={accept}>Arrange for it</button>
      </div>
    </dialog>
  );
}

interface PartRowProps {
  n: number;
  part: Part;
  onChange: (part: Partial<Part>) => void;
  onRemove: () => void;
}

function PartRow({ n, part, onChange, onRemove }: PartRowProps) {
  return (
    <li>
      <label class="field">
        Part {n + 1}
        <input value={part.name} maxLength={60} placeholder="Name" onInput={(event) => onChange({ name: event.currentTarget.value })} />
      </label>
      <label class="field">
        Instrument
        <ProgramSelect value={part.program} onChange={(program) => onChange({ program })} />
      </label>
      <PitchField label="Lowest" value={part.low} onChange={(low) => onChange({ low })} />
      <PitchField label="Highest" value={part.high} onChange={(high) => onChange({ high })} />
      <label class="field narrow">
        Voices
        <select value={String(part.voices ?? "any")} onChange={(event) => onChange({ voices: Number(event.currentTarget.value) || null })}>
          {["1", "2", "3", "4", "6", "8", "any"].map((count) => <option key={count} value={count}>{count}</option>)}
        </select>
      </label>
      <IconButton label={`Remove part ${n + 1}`} icon="close" onClick={onRemove} />
    </li>
  );
}

function PitchField({ label, value, onChange }: { label: string; value: number; onChange: (pitch: number) => void }) {
  return (
    <label class="field narrow">
      {label}
      <select value={String(value)} onChange={(event) => onChange(Number(event.currentTarget.value))}>
        {Array.from({ length: 128 }, (_, pitch) => <option key={pitch} value={String(pitch)}>{pitchName(pitch)}</option>)}
      </select>
    </label>
  );
}

export function ProgramSelect({ value, onChange, label }: { value: number; onChange: (program: number) => void; label?: string }) {
  return (
    <select aria-label={label} value={String(value)} onChange={(event) => onChange(Number(event.currentTarget.value))}>
      {PROGRAMS.map((name, program) => <option key={program} value={String(program)}>{name}</option>)}
    </select>
  );
}

/** What is wrong with an ensemble, in one sentence; null: nothing. */
function faultOf(name: string, parts: readonly Part[]): string | null {
  if (!name.trim()) return "The ensemble needs a name.";
  if (ensembles.value.some((known) => known.name === name.trim())) return `“${name.trim()}” is the name of a built-in ensemble: choose another.`;
  if (parts.length === 0) return "The ensemble needs at least one part.";
  const names = parts.map((part) => part.name.trim());
  if (names.includes("")) return "Each part needs a name.";
  const twice = names.find((one, n) => names.indexOf(one) !== n);
  if (twice) return `Two parts are called ${twice}.`;
  const inverted = parts.find((part) => part.low > part.high);
  return inverted ? `The lowest note of ${inverted.name} lies above its highest.` : null;
}
