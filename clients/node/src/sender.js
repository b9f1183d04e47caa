// Brings lines to POST /api/events, in batches, one request at a time. Its states:
//
//   state     left when
//   idle      a line arrives: delayMs later, or with a full batch at once, it is sending
//   sending   the daemon has stored the batch: next batch, or idle · it has not: waiting
//   waiting   the pause is over (Retry-After, else 100 ms doubled up to 5 s): sending
//   closed    never; what is left is in the spool
//
// While the daemon does not answer, and when more waits than memoryMaxBytes, lines go to the spool. What is in the spool
// is older than what is in memory, and is sent first. A batch keeps its lines and their IDs until it is stored, so that it
// can be sent again.
import { writeSync } from 'node:fs';
import { Connection } from './connection.js';
import { LinePreparer } from './line.js';
import { Spool } from './spool.js';

const PATH = '/api/events?partial=1&keep=any';
const BATCH_SIZE_MAX = 512 * 1024;
const BATCH_LINES_MAX = 5_000;
const PAUSE_FIRST_MS = 100;
const PAUSE_MAX_MS = 5_000;
const RETRY_AFTER_MAX_MS = 60_000;
const REJECTIONS_REPORTED = 10;

export class Sender {
  #settings;
  #connection;
  #spool;
  #lines = new LinePreparer();
  #batches = [];                         // sealed, the oldest first; the first one may be on its way
  #open = { lines: [], bytes: 0 };
  #bytes = 0;                            // in memory
  #isPumping = false;
  #isDown = false;                       // true from a failed request to the next stored one
  #isClosing = false;
  #hasGivenUp = false;                   // closing, and the last try has failed
  #timer = null;
  #pauseMs = PAUSE_FIRST_MS;
  #pause = null;                         // { end, timer } while waiting
  #abort = null;                         // of the request on its way
  #isLate = false;                       // a flush has waited for long enough: no request may begin
  #lastProblem = '';
  #rejectionsReported = 0;
  #waiters = [];
  #undelivered = 0;                      // dropped, and not yet reported to the daemon
  #lossReport = null;                    // { count, line }: the event that reports it, kept for the next try
  #lossProblem = '';
  counts = { stored: 0, duplicates: 0, rejected: 0, dropped: 0, spooled: 0 };

  constructor(settings) {
    this.#settings = settings;
    this.#connection = new Connection(settings);
    this.#spool = new Spool(settings.spoolDirectory, settings.spoolMaxBytes);
    // Earlier processes may have left something.
    this.#schedule(settings.delayMs);
  }

  push(line) {
    this.#add(this.#lines.prepare(line));
  }

  pushEvent(event) {
    this.#add(this.#lines.prepareEvent(event));
  }

  // Resolves once everything so far is stored, or is in the spool because the daemon did not take it within `timeoutMs`.
  async flush(timeoutMs = this.#settings.exitTimeoutMs) {
    this.#seal();
    this.#endPause();
    this.#pump();
    if (!this.#isPumping) return;
    const timer = setTimeout(() => {
      this.#isLate = true;
      this.#abort?.abort();
    }, timeoutMs);
    await new Promise((resolve) => this.#waiters.push(resolve));
    clearTimeout(timer);
    this.#isLate = false;
  }

  // The same without waiting, for a process that is about to exit: what is on its way is spooled as well, and sent twice.
  spoolNow() {
    this.#seal();
    while (this.#batches.length > 0) this.#spoolFirst();
    this.#spool.close();
  }

  // Sends what is left for at most exitTimeoutMs, and spools the rest.
  async close() {
    if (this.#isClosing) return;
    this.#isClosing = true;
    clearTimeout(this.#timer);
    await this.flush();
    this.spoolNow();
    this.#connection.close();
    if (this.#undelivered > 0) this.#report(`${this.#undelivered} events are lost: ${this.#lossProblem}`);
  }

  #add(text) {
    const bytes = Buffer.byteLength(text) + 1;
    if (this.#open.bytes + bytes > BATCH_SIZE_MAX || this.#open.lines.length >= BATCH_LINES_MAX) this.#seal();
    this.#open.lines.push(text);
    this.#open.bytes += bytes;
    this.#bytes += bytes;
    if (this.#bytes > this.#settings.memoryMaxBytes) this.#spill();
    if (this.#batches.length === 0) return this.#schedule(this.#settings.delayMs);
    if (this.#isDown) this.#spoolAll();
    return this.#pump();
  }

  #seal() {
    if (this.#open.lines.length === 0) return;
    this.#batches.push(this.#open);
    this.#open = { lines: [], bytes: 0 };
  }

  #schedule(delayMs) {
    if (this.#timer !== null || this.#isClosing) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#seal();
      if (this.#isDown) this.#spoolAll();
      this.#pump();
    }, delayMs);
    this.#timer.unref?.();
  }

  // Until nothing is left, or closing has to give up.
  async #pump() {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (!this.#hasGivenUp) {
      const work = this.#next();
      if (!work) break;
      const outcome = await this.#post(work.lines);
      if (outcome.isDone) {
        this.#onStored(work);
      } else {
        this.#onFailure(work, outcome);
        this.#hasGivenUp = this.#isClosing;
        if (!this.#hasGivenUp) await this.#wait(outcome.afterMs);
      }
    }
    this.#isPumping = false;
    this.#resolveWaiters();
  }

  #resolveWaiters() {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  // What is to be sent next: the spool's oldest file, else the oldest batch.
  #next() {
    const file = this.#spool.next();
    if (file) return { file, lines: file.text.split('\n').filter((line) => line !== '') };
    if (this.#batches.length === 0) this.#seal();
    const batch = this.#batches[0];
    if (!batch) return this.#nextReport();
    batch.isOnItsWay = true;
    return { batch, lines: batch.lines };
  }

  // How many events were lost, once everything else is delivered.
  #nextReport() {
    if (this.#undelivered === 0) return null;
    if (this.#lossReport?.count !== this.#undelivered) {
      const count = this.#undelivered;
      const line = this.#lines.prepareEvent({ level: 'error', event_type: 'client.dropped', dropped: count,
        msg: `${count} events were lost: ${this.#lossProblem}` });
      this.#lossReport = { count, line };
    }
    return { loss: this.#lossReport, lines: [this.#lossReport.line] };
  }

  #onStored({ file, batch, loss }) {
    if (file) this.#spool.delivered(file.name);
    if (batch && this.#batches[0] === batch) {
      this.#batches.shift();
      this.#bytes -= batch.bytes;
    }
    this.#pauseMs = PAUSE_FIRST_MS;
    if (this.#isDown) this.#report(`${this.#settings.server.text} stores events again`);
    this.#isDown = false;
    if (loss) this.#undelivered -= loss.count;
  }

  #onFailure({ batch }, { problem }) {
    if (batch) batch.isOnItsWay = false;
    if (!this.#isDown || problem !== this.#lastProblem) {
      const where = this.#spool.directory ? `kept in ${this.#spool.directory}` : 'kept in memory';
      this.#report(`events are not delivered: ${problem}; they are ${where} for the next try`);
    }
    this.#lastProblem = problem;
    this.#isDown = true;
    this.#spoolAll();
    this.#resolveWaiters();
  }

  #wait(afterMs) {
    const ms = afterMs ?? this.#pauseMs * (0.75 + Math.random() / 2);
    this.#pauseMs = Math.min(this.#pauseMs * 2, PAUSE_MAX_MS);
    return new Promise((resolve) => {
      // Unreferenced: a process that has nothing else to do may end, and what is left is in the spool.
      const timer = setTimeout(() => this.#endPause(), ms);
      timer.unref?.();
      this.#pause = { end: resolve, timer };
    });
  }

  #endPause() {
    if (!this.#pause) return;
    const { end, timer } = this.#pause;
    this.#pause = null;
    clearTimeout(timer);
    end();
  }

  #spoolAll() {
    this.#seal();
    while (this.#batches.length > 0 && !this.#batches[0].isOnItsWay) this.#spoolFirst();
  }

  // More waits than memory may have: the oldest goes to the disk, except what is on its way.
  #spill() {
    this.#seal();
    const first = this.#batches[0]?.isOnItsWay ? this.#batches.shift() : null;
    while (this.#batches.length > 0 && this.#bytes > this.#settings.memoryMaxBytes / 2) this.#spoolFirst();
    if (first) this.#batches.unshift(first);
  }

  #spoolFirst() {
    const { lines, bytes } = this.#batches.shift();
    this.#bytes -= bytes;
    const { kept, problem } = this.#spool.append(lines);
    const dropped = lines.length - kept;
    this.counts.spooled += kept;
    this.counts.dropped += dropped;
    if (dropped === 0) return;
    if (this.#undelivered === 0) this.#report(`events are being lost: ${problem}`);
    this.#undelivered += dropped;
    this.#lossProblem = problem;
  }

  // { isDone: true } once the lines are stored, or rejected for good; else { problem, afterMs }.
  async #post(lines) {
    if (this.#isLate) return { problem: `${this.#settings.server.text} did not answer in time` };
    let reply;
    this.#abort = new AbortController();
    try {
      const body = lines.join('\n');
      const options = { contentType: 'application/x-ndjson', signal: this.#abort.signal };
      reply = await this.#connection.post(PATH, body, options);
    } catch (error) {
      return { problem: error.name === 'AbortError' ? `${this.#settings.server.text} did not answer in time` : error.message };
    } finally {
      this.#abort = null;
    }
    if (reply.status === 200) return this.#onReply(reply, lines);
    if (reply.status === 400 || reply.status === 413) return this.#split(lines, reply);
    const problem = `${this.#settings.server.text} answered ${reply.status}: ${messageOf(reply.text)}`;
    return { problem, afterMs: retryAfter(reply.headers['retry-after']) };
  }

  async #onReply(reply, lines) {
    const answer = parseAnswer(reply.text);
    if (!answer) return { problem: `${this.#settings.server.text} answered 200 without saying what it stored. Is it picortex?` };
    this.counts.stored += answer.accepted;
    this.counts.duplicates += answer.duplicates;
    const replacements = [];
    for (const { index, reason } of answer.rejected) {
      const line = lines[index] ?? '';
      this.#onRejected(reason);
      if (!line.includes('"event_type":"client.rejected"')) replacements.push(this.#lines.replace(line, reason));
    }
    // Not through the queue: the file or batch that they came from is deleted next.
    if (replacements.length > 0) return this.#post(replacements);
    return { isDone: true };
  }

  // A request that the daemon cannot take as a whole: each half by itself, down to the line that is the reason.
  async #split(lines, reply) {
    const reason = messageOf(reply.text);
    if (lines.length === 1) {
      this.#onRejected(reason);
      if (lines[0].includes('"event_type":"client.rejected"')) return { isDone: true };
      return this.#post([this.#lines.replace(lines[0], reason)]);
    }
    const middle = lines.length >> 1;
    for (const half of [lines.slice(0, middle), lines.slice(middle)]) {
      const outcome = await this.#post(half);
      if (!outcome.isDone) return outcome;  // all of it is sent again, and what was stored is a duplicate then
    }
    return { isDone: true };
  }

  #onRejected(reason) {
    ++this.counts.rejected;
    if (++this.#rejectionsReported <= REJECTIONS_REPORTED) {
      this.#report(`a line was rejected, and is kept as an event client.rejected: ${reason}`);
    }
  }

  // stderr directly: in a worker thread console.error would wait for the main thread.
  #report(what) {
    if (this.#settings.quiet) return;
    try {
      writeSync(2, `picortex: ${what.replaceAll(/[^ -~\u00a1-\uffff]/g, '?')}\n`);
    } catch {
      // stderr is not read: there is nowhere else to say it.
    }
  }
}

// Seconds or a date (RFC 9110, section 10.2.3), as milliseconds from now.
export function retryAfter(value, nowMs = Date.now()) {
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), RETRY_AFTER_MAX_MS) : undefined;
}

function messageOf(text) {
  try {
    return String(JSON.parse(text).message ?? text).slice(0, 300);
  } catch {
    return text.slice(0, 300);
  }
}

function parseAnswer(text) {
  try {
    const answer = JSON.parse(text);
    return Number.isInteger(answer.accepted) && Number.isInteger(answer.duplicates) && Array.isArray(answer.rejected) ? answer : undefined;
  } catch {
    return undefined;
  }
}
