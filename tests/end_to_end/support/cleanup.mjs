// What a test has to undo, done in reverse order when it ends, whether it passed or not.
import { after } from 'node:test';

// The owner of what lasts as long as a whole test file.
export const testFile = { after };

const stacks = new WeakMap();

// `owner` is a test context or `testFile`.
export function cleanUpAfter(owner, undo) {
  let stack = stacks.get(owner);
  if (!stack) {
    stack = [];
    stacks.set(owner, stack);
    owner.after(() => undoAll(stack));
  }
  stack.push(undo);
}

async function undoAll(stack) {
  const failures = [];
  while (stack.length > 0) {
    try {
      await stack.pop()();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
