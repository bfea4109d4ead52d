import assert from "node:assert/strict";
import { test } from "node:test";
import { bandsOf, pitchAt, yOf } from "../src/roll/geometry";
import { handleAt, handlesOf, saidAt } from "../src/roll/handles";

const frame = { left: 0, width: 800, scale: 1 };
const notes = [
  { onset: 48, duration: 24, pitch: 70, part: 0 },
  { onset: 72, duration: 24, pitch: 74, part: 0 },
  { onset: 0, duration: 96, pitch: 50, part: 1 },
];
const nothing = { entries: undefined, meanPitch: undefined };
const lanes = bandsOf(notes, 2, "lanes", 20, 400);

test("handles lie where the notes are until somebody says otherwise", () => {
  const [entry, mean] = handlesOf(notes, lanes, frame, [nothing, nothing], 24);
  assert.deepEqual([entry!.kind, entry!.x, entry!.known], ["entries", 48, false]);
  assert.deepEqual([mean!.kind, mean!.known], ["meanPitch", false]);
  assert.equal(mean!.y, yOf(72, lanes[0]!));
  const [told] = handlesOf(notes, lanes, frame, [{ entries: 1, meanPitch: 60 }, nothing], 24);
  assert.deepEqual([told!.x, told!.known], [24, true]);
});

test("a handle that is dragged says where it is let go", () => {
  const lane = lanes[0]!;
  assert.equal(saidAt("entries", 61, 0, lane, frame, 24), 2.5);
  assert.equal(saidAt("meanPitch", 0, yOf(66, lane) + 1, lane, frame, 24), 66);
});

test("a handle is found near where it lies, and only there", () => {
  const handles = handlesOf(notes, lanes, frame, [nothing, nothing], 24);
  assert.equal(handleAt(50, handles[0]!.y, handles), handles[0]);
  assert.equal(handleAt(70, handles[0]!.y + 40, handles), null);
});

test("with all parts together, and of a part without notes, there is nothing to drag", () => {
  assert.deepEqual(handlesOf(notes, bandsOf(notes, 2, "together", 20, 400), frame, [nothing, nothing], 24), []);
  assert.deepEqual(handlesOf([], bandsOf([], 2, "lanes", 20, 400), frame, [nothing, nothing], 24), []);
});

test("a height and a pitch are the same thing", () => {
  for (const pitch of [48, 60.5, 72]) assert.ok(Math.abs(pitchAt(yOf(pitch, lanes[1]!), lanes[1]!) - pitch) < 1e-9);
});
