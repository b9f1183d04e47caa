// Sends one case of raw bytes whole, split in two at every byte, and pipelined; the outcome must be the same each time.
import assert from 'node:assert/strict';
import { RawConnection } from './raw.mjs';
import { assertIncreasing, assertVersion7 } from './request_id.mjs';

const CONNECTIONS = 48;  // at a time

// Runs `work` over `items`, at most CONNECTIONS at a time.
async function each(items, work) {
  let next = 0;
  const worker = async () => {
    while (next < items.length) await work(items[next++]);
  };
  await Promise.all(Array.from({ length: Math.min(CONNECTIONS, items.length) }, worker));
}

// Every position of a short case; of a long one the first and last 100 and 100 between.
function splitPositions(size) {
  const positions = Array.from({ length: size - 1 }, (_, index) => index + 1);
  if (size <= 600) return positions;
  const step = Math.ceil(size / 100);
  return positions.filter((position) => position <= 100 || position > size - 100 || position % step === 0);
}

// What may differ between two runs of one case is its request ID alone.
function withoutId(response) {
  const { 'x-request-id': id, date, ...headers } = response.headers;
  return { status: response.status, headers, body: response.body.replaceAll(id, '<request id>') };
}

function probe(authority) {
  return `GET /livez HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;
}

// Reads one final response for each of `methods`; then the connection is closed as announced, or answers once more.
async function outcome(daemon, pieces, methods, { halfClose = false } = {}) {
  const connection = await RawConnection.open(daemon.address);
  try {
    await connection.sendPieces(pieces);
    if (halfClose) connection.end();
    const responses = [];
    for (const method of methods) {
      const response = await connection.finalResponse(method);
      if (response === null) break;
      responses.push(response);
    }
    assert.notEqual(responses.length, 0, 'closed without an answer');
    const ids = responses.map((response) => response.headers['x-request-id']);
    ids.forEach(assertVersion7);
    assertIncreasing(ids);
    const closes = /\bclose\b/i.test(responses.at(-1).headers.connection ?? '');
    if (closes || halfClose) {
      await connection.closed();
    } else {
      await connection.send(probe(daemon.authority));
      assert.equal((await connection.finalResponse())?.status, 200, 'the next request on the connection');
    }
    return { responses: responses.map(withoutId), closes };
  } finally {
    connection.destroy();
  }
}

// A case: `bytes` (a string is latin1), `methods` of its requests (one GET by default), `statuses` expected for
// them (a number, or a list of those allowed), `closes` (true or false; undefined: as the answer says), `halfClose`.
// Returns the responses of the run in one piece.
export async function everySplit(daemon, { bytes, methods = ['GET'], statuses, closes, halfClose }) {
  const whole = Buffer.from(bytes, 'latin1');
  const expected = await outcome(daemon, [whole], methods, { halfClose });
  const seen = expected.responses.map((response) => response.status);
  assert.equal(seen.length, statuses.length, `answers ${seen}, expected ${JSON.stringify(statuses)}`);
  statuses.forEach((allowed, index) => {
    assert.ok([allowed].flat().includes(seen[index]), `answers ${seen}, expected ${JSON.stringify(statuses)}`);
  });
  if (closes !== undefined) assert.equal(expected.closes, closes, 'Connection: close');
  const failures = [];
  await each(splitPositions(whole.length), async (position) => {
    try {
      const pieces = [whole.subarray(0, position), whole.subarray(position)];
      assert.deepEqual(await outcome(daemon, pieces, methods, { halfClose }), expected);
    } catch (error) {
      failures.push(`split at ${position} of ${whole.length}: ${error.message}`);
    }
  });
  assert.equal(failures.length, 0, failures.slice(0, 3).join('\n'));
  await pipelined(daemon, whole, methods, expected, halfClose);
  return expected.responses;
}

// After a request that is answered; and, when the connection stays open, three times in one write.
async function pipelined(daemon, whole, methods, expected, halfClose) {
  const behind = await outcome(daemon, [Buffer.concat([Buffer.from(probe(daemon.authority)), whole])], ['GET', ...methods],
                               { halfClose });
  assert.equal(behind.responses[0].status, 200);
  assert.deepEqual({ responses: behind.responses.slice(1), closes: behind.closes }, expected, 'after another request');
  if (expected.closes || halfClose) return;
  const three = await outcome(daemon, [Buffer.concat([whole, whole, whole])], [...methods, ...methods, ...methods]);
  assert.deepEqual(three.responses, [...expected.responses, ...expected.responses, ...expected.responses], 'three at once');
}
