// Sends OTLP requests of logs, each of 512 records of model calls that no other one has, and prints what was acknowledged.
//
//   TOKEN=… node otlp_load.mjs PORT json|protobuf CONNECTIONS SECONDS
//
// The records are those of a real client (tests/golden/claude). Bodies are made before the clock starts; while it runs only their
// request IDs change, in place. Prints {"requests","us","rejected","p50","p99","p999"}, the times in microseconds.

import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { encode } from './peers/otlp_logs.mjs';

const RECORDS = 512;
const ID = 'req_fake000003';

const [port, coding, connections, seconds] = [Number(process.argv[2]), process.argv[3], Number(process.argv[4]), Number(process.argv[5])];

function bodyOfCalls() {
  const payload = JSON.parse(readFileSync(join(import.meta.dirname, '../tests/golden/claude/logs_bash_2.json'), 'utf8'));
  const [scope] = payload.resourceLogs[0].scopeLogs;
  const call = scope.logRecords.find(({ body }) => body.stringValue === 'claude_code.api_request');
  scope.logRecords = Array.from({ length: RECORDS }, () => call);
  return coding === 'json' ? Buffer.from(JSON.stringify(payload)) : encode(payload);
}

// Where each record has its request ID.
function placesOfIds(body) {
  const places = [];
  for (let at = body.indexOf(ID); at >= 0; at = body.indexOf(ID, at + ID.length)) places.push(at);
  return places;
}

const template = bodyOfCalls();
const places = placesOfIds(template);
if (places.length !== RECORDS) throw new Error(`a body has ${places.length} request IDs, not ${RECORDS}`);
// In milliseconds: later runs have other IDs than this one, which sends less than a record in a microsecond.
let next = (Date.now() % 1e7) * 1000;

const agent = new Agent({ keepAlive: true, maxSockets: connections });
const headers = {
  'content-type': coding === 'json' ? 'application/json' : 'application/x-protobuf',
  'content-length': template.length,
  authorization: `Bearer ${process.env.TOKEN}`,
};

function send(body) {
  return new Promise((resolve, reject) => {
    const call = request({ port, host: '127.0.0.1', path: '/v1/logs', method: 'POST', headers, agent }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode));
    });
    call.on('error', reject);
    call.end(body);
  });
}

const took = [];
let rejected = 0;
const begin = performance.now();

async function sendOneByOne() {
  const body = Buffer.from(template);
  while (performance.now() - begin < seconds * 1000) {
    for (const place of places) {
      body.write(String(next % 1e10).padStart(10, '0'), place + ID.length - 10, 'latin1');
      next += 1;
    }
    const sent = performance.now();
    const status = await send(body);
    took.push(performance.now() - sent);
    if (status !== 200) rejected += 1;
  }
}

await Promise.all(Array.from({ length: connections }, sendOneByOne));
const us = Math.round((performance.now() - begin) * 1000);
took.sort((a, b) => a - b);
const at = (share) => Math.round(1000 * took[Math.min(took.length - 1, Math.floor(share * took.length))]);
console.log(JSON.stringify({ requests: took.length, us, rejected, p50: at(0.5), p99: at(0.99), p999: at(0.999) }));
process.exit(0);
