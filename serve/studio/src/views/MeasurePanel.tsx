/** Hides the parts that a file names, arranges it, and tells how many were found. */

import { measurable, measure, measured, shownAccuracy } from "../work/studio";

export function MeasurePanel() {
  const evaluation = measured.value;
  if (!measurable.value && !evaluation) return null;
  const piece = evaluation?.pieces[0];
  return (
    <section class="panel" aria-labelledby="measure-title">
      <h2 class="panel-title" id="measure-title">Measure</h2>
      {piece ? (
        <>
          <p><strong class="figure">{shownAccuracy.value}</strong></p>
          <p class="hint">
            {piece.mistakes} of {piece.notes.length} notes are framed: below in the colour of their true part, above in the one they were given.
          </p>
          <button type="button" class="button" onClick={() => (measured.value = null)}>Back to the arrangement</button>
        </>
      ) : (
        <>
          <p class="hint">This file names its parts. Hide them, arrange the mixture, and see how many notes are found.</p>
          <button type="button" class="button" onClick={() => void measure()}>Hide the parts and measure</button>
        </>
      )}
    </section>
  );
}
