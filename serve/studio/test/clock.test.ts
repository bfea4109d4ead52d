import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock, barLines, placeOf } from "../src/work/clock";

test("ticks become seconds through the tempos, and come back", () => {
  const clock = new Clock([{ tick: 0, quarters: 120 }, { tick: 960, quarters: 60 }], 480);
  assert.equal(clock.seconds(480), 0.5);
  assert.equal(clock.seconds(1440), 2);
  for (const tick of [0, 1, 959, 960, 5000]) assert.ok(Math.abs(clock.tick(clock.seconds(tick)) - tick) < 1e-9);
});

test("a piece without tempos goes at 120 quarters a minute", () => {
  assert.equal(new Clock([], 24).seconds(48), 1);
  assert.equal(new Clock([{ tick: 48, quarters: 60 }], 24).seconds(72), 2);
});

test("bars begin anew where the meter changes", () => {
  const meters = [{ tick: 0, numerator: 1, denominator: 4 }, { tick: 24, numerator: 3, denominator: 4 }];
  assert.deepEqual(barLines(meters, 24, 200), [0, 24, 96, 168]);
});

test("a place is told in bars and quarters, both counted from 1", () => {
  const lines = barLines([], 24, 400);
  assert.deepEqual(placeOf(0, lines, 24), { bar: 1, beat: 1 });
  assert.deepEqual(placeOf(132, lines, 24), { bar: 2, beat: 2.5 });
});
