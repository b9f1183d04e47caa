// What an X-Request-ID must be: a UUID of version 7 (RFC 9562), greater than the one before.
import assert from 'node:assert/strict';

const VERSION_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export function assertVersion7(text) {
  assert.match(text ?? '', VERSION_7);
}

export function assertIncreasing(ids) {
  for (let index = 1; index < ids.length; ++index) assert.ok(ids[index - 1] < ids[index], `${ids[index - 1]} before ${ids[index]}`);
}
