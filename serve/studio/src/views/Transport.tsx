/** Play, pause, seek, loop, tempo. */

import { placeOf } from "../work/clock";
import { bars, project } from "../work/studio";
import { end, loop, playing, position, rate, seek, tickNow, toggleLoop, togglePlay } from "../work/transport";
import { Icon } from "./icons";
import { IconButton } from "./Header";

export function Transport() {
  const place = placeOf(tickNow.value, bars.value, project.value.arrangement?.resolution ?? 480);
  return (
    <footer class="transport" aria-label="Playback">
      <IconButton label="To the beginning" icon="start" onClick={() => seek(0)} />
      <button type="button" class="play" aria-label={playing.value ? "Pause" : "Play"} title="Space" onClick={() => void togglePlay()}>
        <Icon name={playing.value ? "pause" : "play"} />
      </button>
      <IconButton label="Loop what is selected, or all" icon="loop" pressed={loop.value !== null} onClick={toggleLoop} />
      <output class="time" aria-label="Position">
        {time(position.value)} <span>bar {place.bar}</span>
      </output>
      <input
        class="seek" type="range" aria-label="Seek" min="0" max={Math.max(0.1, end.value)} step="0.01" value={position.value}
        aria-valuetext={`${time(position.value)}, bar ${place.bar}`}
        onInput={(event) => seek(event.currentTarget.valueAsNumber)}
      />
      <span class="time">{time(end.value)}</span>
      <label class="tempo">
        <span>Tempo</span>
        <input type="range" min="0.5" max="1.5" step="0.05" value={rate.value} onInput={(event) => (rate.value = event.currentTarget.valueAsNumber)} />
        <output>{Math.round(100 * rate.value)} %</output>
      </label>
    </footer>
  );
}

function time(second: number): string {
  const whole = Math.floor(second);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
