// UUIDs of version 7 (RFC 9562, section 5.7) in the layout in which the daemon needs no index for them: 48 bits of
// milliseconds, 20 bits of sequence (rand_a and the first 8 bits of rand_b), 54 random bits. Events of one millisecond
// thus keep their order.
import { randomFillSync } from 'node:crypto';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const NIL = '00000000-0000-0000-0000-000000000000';
const SEQUENCE_END = 2 ** 20;
const LATEST_MS = 2 ** 48 - 1;

export function isUuid(text) {
  return typeof text === 'string' && UUID.test(text) && text !== NIL;
}

const pool = new Uint8Array(4096);
let used = pool.length;

// The place in the pool of `count` bytes that no other UUID has.
function takeRandom(count) {
  if (used + count > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += count;
  return used - count;
}

const hex = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, '0'));

export class UuidGenerator {
  #lastMs = -1;
  #sequence = 0;

  // Increases strictly for times that do not decrease. `ms` is Unix time in milliseconds.
  next(ms = Date.now()) {
    const time = Math.min(Math.max(Math.trunc(ms), 0), LATEST_MS);
    const at = takeRandom(10);
    if (time !== this.#lastMs || this.#sequence + 1 >= SEQUENCE_END) {
      this.#lastMs = time;
      // The upper half stays free, so that a millisecond has room for half a million events.
      this.#sequence = ((pool[at] << 16) | (pool[at + 1] << 8) | pool[at + 2]) & (SEQUENCE_END / 2 - 1);
    } else {
      ++this.#sequence;
    }
    const high = time.toString(16).padStart(12, '0');
    const sequence = this.#sequence;
    return `${high.slice(0, 8)}-${high.slice(8)}-7${(sequence >> 8).toString(16).padStart(3, '0')}-` +
      // Two bits of variant, then the last 8 bits of the sequence, then the tail.
      hex[0x80 | ((sequence & 0xff) >> 2)] + hex[((sequence & 3) << 6) | (pool[at + 3] & 0x3f)] + '-' +
      hex[pool[at + 4]] + hex[pool[at + 5]] + hex[pool[at + 6]] + hex[pool[at + 7]] + hex[pool[at + 8]] +
      hex[pool[at + 9]];
  }
}

const requests = new UuidGenerator();
let lastRequestMs = 0;

// A request ID that is greater than the one before it, also when the clock steps back.
export function newRequestId() {
  lastRequestMs = Math.max(lastRequestMs, Date.now());
  return requests.next(lastRequestMs);
}
