import assert from "node:assert/strict";
import { test } from "node:test";
import { amend, begin, commit, redo, undo } from "../src/work/history";

test("what is undone can be done again", () => {
  const history = commit(commit(begin("a"), "b"), "c");
  assert.equal(undo(history).present, "b");
  assert.equal(redo(undo(history)).present, "c");
  assert.equal(undo(undo(history)).present, "a");
});

test("before the beginning and after the end there is nothing", () => {
  const history = begin("a");
  assert.equal(undo(history), history);
  assert.equal(redo(history), history);
});

test("a change after undoing forgets what was undone", () => {
  const history = commit(undo(commit(begin("a"), "b")), "c");
  assert.equal(redo(history).present, "c");
  assert.equal(undo(history).present, "a");
});

test("changes of one gesture are undone together", () => {
  const history = commit(commit(commit(begin(0), 1, "volume"), 2, "volume"), 3, "volume");
  assert.equal(history.present, 3);
  assert.equal(undo(history).present, 0);
  assert.equal(undo(commit(history, 4, "mute")).present, 3);
});

test("what is amended is no step of its own", () => {
  const history = amend(commit(begin("a"), "b"), "b, solved");
  assert.equal(history.present, "b, solved");
  assert.equal(undo(history).present, "a");
});

test("only so much of the past is kept", () => {
  let history = begin(0);
  for (let n = 1; n <= 300; n += 1) history = commit(history, n);
  assert.equal(history.past.length, 100);
});
