/** What is playing, and where. Joins the studio's notes to the player. */

import { computed, effect, signal } from "@preact/signals";
import { type Loop, Player, type Sounding } from "../sound/player";
import type { Level } from "../sound/room";
import { PLAIN_SOUND } from "./project";
import { clock, draft, notes, parts, project, seconds, selection } from "./studio";

export const player = new Player();
export const playing = signal(false);
export const position = signal(0);
export const rate = signal(1);
export const loop = signal<Loop | null>(null);

/** Where the music ends, with what has just been written. */
export const end = computed(() => Math.max(seconds.value, ...(draft.value?.notes.map((n) => n.start + n.length) ?? [])));

/** All notes as they sound, in order; drums stand behind the last part. */
export const soundings = computed<Sounding[]>(() => {
  const programs = parts.value.map((part) => project.value.sounds[part.name]?.program ?? part.program);
  const drums = project.value.arrangement?.drums ?? [];
  const written = draft.value?.notes ?? [];
  return [
    ...notes.value.map((note) => ({ ...note, program: programs[note.part] ?? 0 })),
    ...drums.map((note) => ({ ...note, part: programs.length, program: null })),
    ...written.map((note) => ({ ...note, part: programs.length, program: 0 })),
  ].sort((a, b) => a.start - b.start);
});

export const levels = computed<Level[]>(() => {
  const sounds = parts.value.map((part) => project.value.sounds[part.name] ?? PLAIN_SOUND);
  const alone = sounds.some((sound) => sound.solo);
  const heard = sounds.map((sound) => ({ volume: sound.volume, heard: alone ? sound.solo : !sound.muted }));
  return [...heard, { volume: 0.8, heard: !alone }];
});

export function connectPlayer(): void {
  effect(() => player.load(soundings.value, end.value));
  effect(() => player.seat(levels.value));
  effect(() => {
    player.rate = rate.value;
  });
  effect(() => {
    player.loop = loop.value;
  });
  player.onEnd = () => {
    playing.value = false;
    position.value = player.position;
  };
}

export async function togglePlay(): Promise<void> {
  if (playing.value) {
    player.pause();
    playing.value = false;
  } else if (soundings.value.length > 0) {
    await player.play();
    playing.value = true;
    requestAnimationFrame(follow);
  }
}

export function seek(second: number): void {
  player.seek(second);
  position.value = player.position;
}

/** Loops what is selected, or all; or stops looping. */
export function toggleLoop(): void {
  if (loop.value) {
    loop.value = null;
    return;
  }
  const chosen = [...selection.value].map((n) => notes.value[n]).filter((note) => note !== undefined);
  loop.value = chosen.length
    ? { from: Math.min(...chosen.map((n) => n.start)), to: Math.max(...chosen.map((n) => n.start + n.length)) }
    : { from: 0, to: end.value };
}

/** Where the music is, in ticks. */
export const tickNow = computed(() => clock.value.tick(position.value));

function follow(): void {
  position.value = player.position;
  if (playing.value) requestAnimationFrame(follow);
}
