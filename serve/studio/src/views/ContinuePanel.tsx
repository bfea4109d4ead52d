/** Go on from the piece, or begin one: notes stream in, and are kept or written anew. */

import { signal } from "@preact/signals";
import { counted } from "../work/attempts";
import { type ContinuationWish, continuePiece, draft, dropDraft, keepDraft, models, project } from "../work/studio";

type Until = "bars" | "seconds" | "until_silence";

const until = signal<Until>("bars");
const amount = signal<Record<Until, number>>({ bars: 8, seconds: 20, until_silence: 0.5 });
const temperature = signal(1);
const tempo = signal<number | null>(null);
const style = signal("");
const model = signal<string | null>(null);

export function ContinuePanel() {
  const generators = models.value.filter((one) => one.kind === "continues");
  const written = draft.value;
  const ongoing = project.value.source !== null;
  return (
    <section class="panel" aria-labelledby="continue-title">
      <h2 class="panel-title" id="continue-title">{ongoing ? "Continue" : "Begin from nothing"}</h2>
      {generators.length === 0 && !written ? (
        <p class="hint">No model that continues is installed here.</p>
      ) : written ? (
        <Draft ongoing={ongoing} />
      ) : (
        <>
          <Wishes generators={generators.map((one) => one.name)} />
          <button type="button" class="button" onClick={() => void continuePiece(wish(), 0)}>
            {ongoing ? "Go on from here" : "Write something"}
          </button>
        </>
      )}
    </section>
  );
}

function Draft({ ongoing }: { ongoing: boolean }) {
  const { notes, finished, seed } = draft.value!;
  return (
    <>
      <p aria-live="polite">{finished ? `${counted(notes.length, "new note")}.` : `${counted(notes.length, "new note")} so far…`}</p>
      <div class="row wrap">
        {finished ? (
          <>
            <button type="button" class="button primary" onClick={() => void keepDraft()}>Keep and arrange</button>
            <button type="button" class="button" onClick={() => void continuePiece(wish(), seed + 1)}>Another</button>
            <button type="button" class="button quiet" onClick={dropDraft}>Discard</button>
          </>
        ) : (
          <button type="button" class="button" onClick={dropDraft}>Stop</button>
        )}
      </div>
      {finished && <p class="hint">{ongoing ? "Play to hear how it goes on." : "Play to hear it."}</p>}
    </>
  );
}

function Wishes({ generators }: { generators: readonly string[] }) {
  return (
    <>
      <div class="row">
        <label class="field grow">
          Until
          <select value={until.value} onChange={(event) => (until.value = event.currentTarget.value as Until)}>
            <option value="bars">so many bars</option>
            <option value="seconds">so many seconds</option>
            <option value="until_silence">it would end</option>
          </select>
        </label>
        <label class="field narrow">
          {until.value === "until_silence" ? "Likelihood" : "How many"}
          <input
            type="number" min={until.value === "until_silence" ? 0.05 : 1} max={until.value === "until_silence" ? 1 : 200}
            step={until.value === "until_silence" ? 0.05 : 1} value={amount.value[until.value]}
            onInput={(event) => {
              const { valueAsNumber } = event.currentTarget;
              if (valueAsNumber > 0) amount.value = { ...amount.value, [until.value]: valueAsNumber };
            }}
          />
        </label>
      </div>
      <label class="field">
        <span>Temperature <output>{temperature.value.toFixed(2)}</output></span>
        <input type="range" min="0" max="1.6" step="0.05" value={temperature.value} onInput={(event) => (temperature.value = event.currentTarget.valueAsNumber)} />
      </label>
      <div class="row">
        <label class="field grow">
          Style
          <input value={style.value} maxLength={100} placeholder="as it was" onInput={(event) => (style.value = event.currentTarget.value)} />
        </label>
        <label class="field narrow">
          Tempo
          <input
            type="number" min="10" max="400" placeholder="same" value={tempo.value ?? ""}
            onInput={(event) => (tempo.value = Number.isFinite(event.currentTarget.valueAsNumber) ? event.currentTarget.valueAsNumber : null)}
          />
        </label>
      </div>
      {generators.length > 1 && (
        <label class="field">
          Model
          <select value={model.value ?? generators[0]} onChange={(event) => (model.value = event.currentTarget.value)}>
            {generators.map((name) => <option key={name} value={name}>{name}</option>)}
          </select>
        </label>
      )}
    </>
  );
}

function wish(): ContinuationWish {
  const extent = { [until.value]: amount.value[until.value] } as ContinuationWish["extent"];
  return { extent, temperature: temperature.value, tempo: tempo.value, style: style.value.trim() || null, model: model.value };
}
