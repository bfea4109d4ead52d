/** The roll with what stands around it: how it is laid out, alternatives, and what is selected. */

import { Roll } from "../roll/Roll";
import { comparing, layout, zoom } from "../roll/state";
import { counted } from "../work/attempts";
import { chooseAlternative, findAlternatives, measured, notes, project, shownAccuracy } from "../work/studio";
import { shownViolations } from "../work/project";
import { SelectionBar } from "./SelectionBar";

const LETTERS = "ABCDEFGH";

export function ArrangeStage() {
  return (
    <section class="stage" aria-label="Arrangement">
      <div class="stage-bar">
        <fieldset class="segments">
          <legend class="visually-hidden">Layout of the roll</legend>
          <label>
            <input type="radio" name="layout" checked={layout.value === "together"} onChange={() => (layout.value = "together")} />
            <span>Together</span>
          </label>
          <label>
            <input type="radio" name="layout" checked={layout.value === "lanes"} onChange={() => (layout.value = "lanes")} />
            <span>By part</span>
          </label>
        </fieldset>
        <button type="button" class="button quiet" aria-pressed={comparing.value} onClick={() => (comparing.value = !comparing.value)}>
          Source above
        </button>
        <Alternatives />
        <Summary />
        <span class="zoom">
          <button type="button" class="button quiet" aria-label="Zoom out" onClick={() => zoom(1 / 1.4)}>−</button>
          <button type="button" class="button quiet" aria-label="Zoom in" onClick={() => zoom(1.4)}>+</button>
        </span>
      </div>
      <Roll />
      <SelectionBar />
    </section>
  );
}

function Alternatives() {
  const { arrangement, choice, mode } = project.value;
  if (!arrangement || mode !== "offline" || measured.value) return null;
  const { alternatives } = arrangement;
  if (alternatives.length === 0) {
    return <button type="button" class="button quiet" onClick={() => void findAlternatives()}>Alternatives</button>;
  }
  return (
    <fieldset class="segments">
      <legend class="visually-hidden">Alternatives</legend>
      {[null, ...alternatives].map((other, n) => (
        <label key={n} title={other ? `${counted(other.differs, "note")} elsewhere than in A` : "The likeliest"}>
          <input type="radio" name="alternative" aria-label={`Alternative ${LETTERS[n]}`} checked={choice === n} onChange={() => chooseAlternative(n)} />
          <span>
            {LETTERS[n]}
            {other && <small> {other.differs}</small>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function Summary() {
  if (measured.value) return <p class="summary"><strong>{shownAccuracy.value}</strong></p>;
  const broken = shownViolations(project.value);
  const { locks, arrangement } = project.value;
  const told = [
    counted(notes.value.length, "note"),
    locks.size ? `${locks.size} locked` : "",
    broken.length ? `${counted(broken.length, "rule")} not kept` : "",
  ].filter(Boolean);
  const reasons = broken.slice(0, 8).map((violation) => violation.reason).join("\n");
  return <p class="summary" title={reasons || `Model: ${arrangement?.model ?? ""}`}>{told.join(" · ")}</p>;
}
