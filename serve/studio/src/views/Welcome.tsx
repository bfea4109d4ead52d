/** Where a person begins: bring music, or choose a bundled piece. */

import { useRef } from "preact/hooks";
import { busy } from "../work/attempts";
import { draft, examples, openExample, view } from "../work/studio";
import { ContinuePanel } from "./ContinuePanel";
import { EnsemblePanel } from "./EnsemblePanel";
import { FileInput } from "./Header";

export function Welcome() {
  const input = useRef<HTMLInputElement>(null);
  return (
    <div class="welcome">
      <section class="welcome-lead">
        <h2>Give every note of a keyboard piece to an instrument.</h2>
        <p>
          Drop a file anywhere on this page. It is arranged for the ensemble you choose; then hear it, correct it, print it and take it
          away.
        </p>
        <div class="row">
          <button type="button" class="button primary large" disabled={busy.value !== null} onClick={() => input.current?.click()}>
            Choose a file
          </button>
          <button type="button" class="button large" onClick={() => (view.value = "live")}>
            Play it live
          </button>
          <FileInput inputRef={input} />
        </div>
        <p class="hint">MIDI, MusicXML or ABC. Nothing leaves this service.</p>
      </section>
      <section aria-labelledby="examples-title">
        <h3 id="examples-title">Or begin with one of these</h3>
        <ul class="examples">
          {examples.value.map((example) => (
            <li key={example.name}>
              <button type="button" class="example" disabled={busy.value !== null} onClick={() => void openExample(example)}>
                <span>{example.title}</span>
                <small>for {example.ensemble}</small>
              </button>
            </li>
          ))}
        </ul>
      </section>
      <div class="welcome-panels">
        <EnsemblePanel />
        {!draft.value && <ContinuePanel />}
      </div>
    </div>
  );
}
