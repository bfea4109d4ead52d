import assert from "node:assert/strict";
import { test } from "node:test";
import { bandOf, bandsOf, boxOf, neighbour, noteAt, notesIn, tickAt, visible, xOf } from "../src/roll/geometry";

const frame = { left: 0, width: 800, scale: 1 };
const notes = [
  { onset: 0, duration: 90, pitch: 48, part: 1 },
  { onset: 0, duration: 40, pitch: 60, part: 0 },
  { onset: 50, duration: 40, pitch: 64, part: 0 },
  { onset: 100, duration: 40, pitch: 62, part: 0 },
];

test("each note is found where it is drawn, in both layouts", () => {
  for (const layout of ["together", "lanes"] as const) {
    const bands = bandsOf(notes, 2, layout, 20, 400);
    notes.forEach((note, n) => {
      const { x, y, width, height } = boxOf(note, bandOf(note, bands), frame);
      assert.equal(noteAt(x + width / 2, y + height / 2, notes, bands, frame), n);
    });
  }
});

test("beside a note a finger finds it and a mouse does not", () => {
  const bands = bandsOf(notes, 2, "together", 20, 400);
  const { x, y } = boxOf(notes[3]!, bands[0]!, frame);
  assert.equal(noteAt(x - 6, y, notes, bands, frame, 10), 3);
  assert.equal(noteAt(x - 6, y, notes, bands, frame, 2), null);
});

test("a frame holds what it touches", () => {
  const bands = bandsOf(notes, 2, "together", 20, 400);
  assert.deepEqual(notesIn({ x: 0, y: 0, width: 60, height: 420 }, notes, bands, frame), [0, 1, 2]);
  assert.deepEqual(notesIn({ x: 95, y: 0, width: 2, height: 420 }, notes, bands, frame), []);
});

test("only what may be seen is drawn, long notes that began before too", () => {
  assert.deepEqual(visible(notes, 90, { left: 60, width: 30, scale: 1 }), [0, 3]);
  assert.deepEqual(visible(notes, 90, { left: 200, width: 30, scale: 1 }), [4, 4]);
});

test("the focus walks in time and among the notes that sound together", () => {
  assert.equal(neighbour(notes, 1, "right"), 2);
  assert.equal(neighbour(notes, 2, "left"), 1);
  assert.equal(neighbour(notes, 2, "down"), 0);
  assert.equal(neighbour(notes, 0, "up"), 1);
  assert.equal(neighbour(notes, 3, "right"), 3);
});

test("a place on the screen and a tick are the same thing", () => {
  const scrolled = { left: 120, width: 500, scale: 0.25 };
  assert.equal(tickAt(xOf(960, scrolled), scrolled), 960);
});

test("a part without notes still has a lane", () => {
  const bands = bandsOf(notes, 3, "lanes", 0, 300);
  assert.equal(bands.length, 3);
  assert.ok(bands.every((band) => band.high > band.low && band.height === 100));
});
