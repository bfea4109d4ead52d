import assert from "node:assert/strict";
import { test } from "node:test";
import type { Arrangement } from "../src/api/forms";
import { packed, unpacked } from "../src/work/link";
import {
  type Project, arrangingOptions, assigned, begun, lockToggled, shownNotes, shownOptions, shownParts, titleOf, withSource,
} from "../src/work/project";

const PARTS = ["High", "Low"].map((name) => ({ name, program: 52, low: 0, high: 127, voices: 1 }));

function arranged(): Project {
  const note = { onset: 0, pitch: 60, duration: 24, velocity: 64, start: 0, length: 0.5, track: 0 };
  const notes = ["High", "Low", "Low"].map((part) => ({
    ...note, part, confidence: 0.7, runner_up: { part: part === "High" ? "Low" : "High", confidence: 0.3 },
  }));
  const other = { parts: ["High", "High", "Low"], confidence: [0.6, 0.5, 0.6], violations: [], differs: 1 };
  const music = { notes, resolution: 24, tempos: [], meters: [] };
  const arrangement = { ...music, alternatives: [other], violations: [] } as unknown as Arrangement;
  const source = { kind: "notes" as const, title: "Tune", music };
  return { ...withSource(begun({ name: "duo", parts: PARTS }), source), arrangement };
}

test("a note that is given to a part is locked there and known for certain", () => {
  const project = assigned(arranged(), [1], "High");
  assert.deepEqual(shownParts(project), ["High", "High", "Low"]);
  const [, note] = shownNotes(project);
  assert.deepEqual([note!.part, note!.confidence, note!.locked, note!.runnerUp?.part], [0, 1, true, "Low"]);
});

test("a correction leaves what it was made from as it was", () => {
  const project = arranged();
  assigned(project, [0], "Low");
  assert.equal(project.locks.size, 0);
});

test("correcting an alternative keeps what makes it differ", () => {
  const project = assigned({ ...arranged(), choice: 1 }, [2], "High");
  assert.deepEqual([...project.locks], [[1, "High"], [2, "High"]]);
  assert.equal(project.choice, 0);
});

test("locks go on together, and off only when all are on", () => {
  const one = lockToggled(arranged(), [0]);
  const all = lockToggled(one, [0, 1]);
  assert.deepEqual([...all.locks.keys()], [0, 1]);
  assert.equal(lockToggled(all, [0, 1]).locks.size, 0);
});

test("what is asked for names the ensemble if the service knows it", () => {
  const options = arrangingOptions(assigned(arranged(), [0], "Low"), 3);
  assert.deepEqual(options, {
    ensemble: "duo", mode: "offline", hints: { entries: {}, mean_pitch: {}, locks: { 0: "Low" } }, alternatives: 3,
  });
  const live = arrangingOptions({ ...arranged(), mode: "live" }, 3) as { alternatives: number };
  assert.equal(live.alternatives, 1);
});

test("what is taken away is what is shown, with the instruments that sound", () => {
  const sound = { program: 68, volume: 1, muted: false, solo: false };
  const options = shownOptions({ ...arranged(), sounds: { High: sound } }) as { ensemble: { parts: { program: number }[] }; hints: object };
  assert.deepEqual(options.hints, { locks: { 0: "High", 1: "Low", 2: "Low" } });
  assert.deepEqual(options.ensemble.parts.map((part) => part.program), [68, 52]);
});

test("a link holds all that decides an arrangement", async () => {
  const project = { ...assigned(arranged(), [1], "High"), entries: { Low: 4 } };
  const opened = await unpacked(await packed(project));
  assert.deepEqual(opened.locks, project.locks);
  assert.deepEqual(opened.entries, { Low: 4 });
  assert.equal(opened.source?.title, "Tune");
  const bytes = new Uint8Array([0, 200, 255]);
  const file = { kind: "file" as const, name: "a.mid", title: "A", bytes };
  assert.deepEqual((await unpacked(await packed({ ...project, source: file }))).source, file);
});

test("a link that is cut short is refused with a sentence", async () => {
  const fragment = await packed(arranged());
  await assert.rejects(unpacked(fragment.slice(0, -9)), /damaged or incomplete/);
  await assert.rejects(unpacked("!!!"), /damaged or incomplete/);
});

test("a title comes from the name of a file", () => {
  assert.equal(titleOf("old-hundredth_2.abc"), "old hundredth 2");
  assert.equal(titleOf("BWV 1.6"), "BWV 1");
});
