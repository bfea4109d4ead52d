/** What is selected: why it has its part, and where else it may go. */

import { described } from "../roll/choosing";
import { dropTarget } from "../roll/state";
import { counted } from "../work/attempts";
import { assign, measured, notes, parts, project, selection, toggleLock, truths } from "../work/studio";
import { shownViolations } from "../work/project";
import { Icon } from "./icons";

export function SelectionBar() {
  const chosen = [...selection.value].filter((n) => n < notes.value.length);
  if (chosen.length === 0) {
    return (
      <div class="selection">
        <p class="hint">Choose a note, or drag a frame around several, to give them to another part. The fainter a note, the less sure its part.</p>
      </div>
    );
  }
  const locked = chosen.every((n) => project.value.locks.has(n));
  return (
    <div class="selection">
      <Why chosen={chosen} />
      {!measured.value && (
        <div class="row wrap" role="group" aria-label="Move to">
          {parts.value.map((part, n) => (
            <button
              key={part.name} type="button" class="chip" data-part={n} data-target={dropTarget.value === n || undefined}
              onClick={() => void assign(chosen, part.name)}
            >
              <span class="swatch" data-colour={n % 8} aria-hidden="true">{n + 1}</span>
              {part.name}
            </button>
          ))}
          <button type="button" class="chip" aria-pressed={locked} onClick={() => void toggleLock(chosen)}>
            <Icon name="lock" />
            {locked ? "Unlock" : "Lock"}
          </button>
        </div>
      )}
    </div>
  );
}

function Why({ chosen }: { chosen: readonly number[] }) {
  const [first] = chosen;
  const note = notes.value[first!]!;
  if (chosen.length > 1) return <p class="why"><strong>{counted(chosen.length, "note")}</strong> selected</p>;
  const truth = truths.value?.[first!];
  const broken = shownViolations(project.value).find((violation) => violation.note === first);
  const [pitch, ...rest] = described(note).split(", ");
  return (
    <p class="why">
      <strong>{pitch}</strong> {rest.join(", ")}
      {note.runnerUp && !note.locked && <> · otherwise {note.runnerUp.part}, {percent(note.runnerUp.confidence)}</>}
      {note.runnerUp && note.locked && <> · the model would say {note.runnerUp.part}</>}
      {truth !== undefined && truth !== note.part && <> · truly {parts.value[truth]?.name}</>}
      {broken && <> · {broken.reason}</>}
    </p>
  );
}

function percent(share: number): string {
  return share < 0.005 ? "less than 1 %" : `${Math.round(100 * share)} %`;
}
