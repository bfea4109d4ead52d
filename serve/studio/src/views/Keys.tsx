/** Keys on the screen, coloured by the part that answers. */

import { pitchName } from "../sound/programs";
import { keysDown, lift, liveNotes, press, state } from "../work/live";

const [LOWEST, HIGHEST] = [36, 84];
const BLACK = new Set([1, 3, 6, 8, 10]);

export function Keys() {
  const answered = new Map(liveNotes.value.filter((note) => note.end === null).map((note) => [note.pitch, note.part]));
  const pitches = Array.from({ length: HIGHEST - LOWEST + 1 }, (_, n) => LOWEST + n);
  return (
    <div class="keys" role="group" aria-label="Keyboard" data-off={state.value !== "on" || undefined}>
      {pitches.map((pitch) => (
        <button
          key={pitch} type="button" class={BLACK.has(pitch % 12) ? "key black" : "key white"} aria-label={pitchName(pitch)}
          tabIndex={pitch === 60 ? 0 : -1} disabled={state.value !== "on"}
          data-colour={keysDown.value.has(pitch) && answered.has(pitch) ? (answered.get(pitch)! % 8) : undefined}
          data-down={keysDown.value.has(pitch) || undefined}
          onPointerDown={(event) => {
            event.currentTarget.releasePointerCapture(event.pointerId);
            press(pitch, velocityAt(event));
          }}
          onPointerUp={() => lift(pitch)}
          onPointerEnter={(event) => event.buttons === 1 && press(pitch, velocityAt(event))}
          onPointerLeave={() => lift(pitch)}
          onPointerCancel={() => lift(pitch)}
          onKeyDown={(event) => keyed(event, pitch)}
          onKeyUp={(event) => (event.key === " " || event.key === "Enter") && lift(pitch)}
          onBlur={() => lift(pitch)}
        >
          {pitch % 12 === 0 && <span aria-hidden="true">{pitchName(pitch)}</span>}
        </button>
      ))}
    </div>
  );
}

/** The lower on the key, the louder. */
function velocityAt(event: PointerEvent): number {
  const area = (event.currentTarget as HTMLElement).getBoundingClientRect();
  return Math.round(45 + 65 * Math.min(1, Math.max(0, (event.clientY - area.top) / area.height)));
}

function keyed(event: KeyboardEvent, pitch: number): void {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step) {
    const next = (event.currentTarget as HTMLElement)[step > 0 ? "nextElementSibling" : "previousElementSibling"];
    (next as HTMLElement | null)?.focus();
    event.preventDefault();
  } else if ((event.key === " " || event.key === "Enter") && !event.repeat) {
    event.preventDefault();
    press(pitch);
  }
}
