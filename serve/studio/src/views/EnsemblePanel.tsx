/** For whom to arrange, and how much of the piece is known when a note is decided. */

import { signal } from "@preact/signals";
import type { Ensemble, Mode } from "../api/forms";
import { chooseEnsemble, chooseMode, ensembles, ownEnsembles, project } from "../work/studio";
import { EnsembleDialog } from "./EnsembleDialog";

const MODES: readonly [Mode, string, string][] = [
  ["offline", "Whole piece", "Every note is decided knowing all of the piece."],
  ["chord-live", "By chord", "As if it were played: the keys of a chord are decided together."],
  ["live", "By key", "As if it were played: each key is decided when it goes down."],
];

const editing = signal<Ensemble | null>(null);

/** `modes`: whether to offer how much is known; who plays live has no choice. */
export function EnsemblePanel({ modes = true }: { modes?: boolean }) {
  const { ensemble, builtIn, mode } = project.value;
  const chosen = builtIn ? `built-in ${ensemble.name}` : `own ${ensemble.name}`;
  const own = builtIn || ownEnsembles.value.some((known) => known.name === ensemble.name) ? ownEnsembles.value : [...ownEnsembles.value, ensemble];
  const choose = (value: string): void => {
    const [kind, ...rest] = value.split(" ");
    const known = (kind === "own" ? own : ensembles.value).find((one) => one.name === rest.join(" "));
    if (known) void chooseEnsemble(known, kind !== "own");
  };
  return (
    <section class="panel" aria-labelledby="ensemble-title">
      <h2 class="panel-title" id="ensemble-title">Ensemble</h2>
      <div class="row">
        <label class="grow">
          <span class="visually-hidden">Ensemble</span>
          <select value={chosen} onChange={(event) => choose(event.currentTarget.value)}>
            {ensembles.value.map((one) => (
              <option key={one.name} value={`built-in ${one.name}`}>{title(one)}</option>
            ))}
            {own.map((one) => (
              <option key={`own ${one.name}`} value={`own ${one.name}`}>{title(one)}</option>
            ))}
          </select>
        </label>
        <button type="button" class="button" onClick={() => (editing.value = ensemble)}>
          {builtIn ? "Make one…" : "Change…"}
        </button>
      </div>
      {modes && <fieldset class="segments">
        <legend class="visually-hidden">What is known of the piece</legend>
        {MODES.map(([name, label, meaning]) => (
          <label key={name} title={meaning}>
            <input type="radio" name="mode" checked={mode === name} onChange={() => void chooseMode(name)} />
            <span>{label}</span>
          </label>
        ))}
      </fieldset>}
      {editing.value && <EnsembleDialog from={editing.value} onClose={() => (editing.value = null)} />}
    </section>
  );
}

function title(ensemble: Ensemble): string {
  return ensemble.name.charAt(0).toUpperCase() + ensemble.name.slice(1);
}
