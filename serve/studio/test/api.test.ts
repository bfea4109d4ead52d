import assert from "node:assert/strict";
import { test } from "node:test";
import { asSentence } from "../src/api/client";
import { EventReader } from "../src/api/events";
import { pitchOfKey, playMidi } from "../src/work/keyboards";

test("events are whole however they are cut", () => {
  const text = 'event: note\ndata: {"pitch":60}\n\n: waiting\n\nevent: finished\ndata: {}\n\n';
  for (let cut = 1; cut < text.length; cut += 1) {
    const reader = new EventReader();
    const events = [...reader.take(text.slice(0, cut)), ...reader.take(text.slice(cut))];
    assert.deepEqual(events, [{ name: "note", data: '{"pitch":60}' }, { name: "finished", data: "{}" }]);
  }
});

test("a sentence begins with a capital, and a file's name stays as it is", () => {
  assert.equal(asSentence("expected one file, not 2"), "Expected one file, not 2.");
  assert.equal(asSentence("broken.mid: not a MIDI file"), "broken.mid: not a MIDI file.");
});

test("the computer's keys lie as those of a piano", () => {
  assert.deepEqual(["KeyA", "KeyW", "KeyK", "KeyQ"].map((code) => pitchOfKey(code, 4)), [60, 61, 72, null]);
});

test("a MIDI keyboard presses, lets go, and a velocity of 0 lets go too", () => {
  const done: string[] = [];
  const hands = {
    press: (pitch: number, velocity?: number) => done.push(`press ${pitch} ${velocity}`),
    lift: (pitch: number) => done.push(`lift ${pitch}`),
    pedal: (value: number) => done.push(`pedal ${value}`),
  };
  for (const bytes of [[0x93, 60, 90], [0x93, 60, 0], [0x83, 62, 5], [0xb0, 64, 127], [0xf8]]) playMidi(new Uint8Array(bytes), hands);
  assert.deepEqual(done, ["press 60 90", "lift 60", "lift 62", "pedal 127"]);
});
