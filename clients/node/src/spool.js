// Lines on disk that the daemon has not stored yet: a folder of small files, shared by the processes of one user.
//
//   TIME-PID-START-INSTANCE-NUMBER.open     is written by the process with this PID and start time
//   TIME-PID-START-INSTANCE-NUMBER.ndjson   is complete; any process may deliver it, and then deletes it
//
// Each line carries an event ID, so a file that two processes deliver is stored once: nothing has to be locked. The folder
// as a whole is bounded; what does not fit is rejected, and the caller counts it.
import { randomBytes } from 'node:crypto';
import { appendFileSync, closeSync, constants, lstatSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync,
  statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

const FILE_SIZE_MAX = 512 * 1024;
const FILE_LINES_MAX = 5_000;
// A read is bounded also for a file that somebody else put there.
const READ_SIZE_MAX = 4 * 1024 * 1024;
const LOOK_EVERY_MS = 5_000;
// A process delivers its own files, unless it has closed its logger and lives on.
const LEFT_BY_THE_LIVING_MS = 60_000;
const NAME = /^\d{13}-(\d+)-(\d+)-[0-9a-f]{8}-\d{6}\.(open|ndjson)$/;

// The time at which a process began, in clock ticks since boot: with the PID it names one process. 0: not known.
function startTime(pid) {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').pop().split(' ')[19]);
  } catch {
    return 0;
  }
}

export class Spool {
  #directory;
  #sizeMax;
  #instance = `${process.pid}-${startTime(process.pid)}-${randomBytes(4).toString('hex')}`;
  #number = 0;
  #own = [];        // names of complete files of this object, the oldest first
  #foreign = [];    // names of others' complete files
  #open = null;     // { name, bytes, lines } of the file that is being written
  #lookedAt = 0;
  #usedByOthers = 0;
  #usedByOwn = 0;
  #sizes = new Map();

  // `directory` may be undefined: nothing is kept then.
  constructor(directory, sizeMax) {
    this.#directory = directory;
    this.#sizeMax = sizeMax;
  }

  get directory() {
    return this.#directory;
  }

  // Keeps as many of the lines as fit, from the first on. Returns { kept, problem }: how many, and why not all.
  append(lines) {
    if (!this.#directory) return { kept: 0, problem: 'neither HOME nor XDG_STATE_HOME names a place for them: set spoolDirectory' };
    try {
      this.#prepare();
      this.#look();
      const kept = this.#countFitting(lines);
      if (kept > 0) this.#write(kept === lines.length ? lines : lines.slice(0, kept));
      return kept === lines.length ? { kept } : { kept, problem: `${this.#directory} is full (spoolMaxBytes)` };
    } catch (error) {
      return { kept: 0, problem: `cannot write to ${this.#directory} (${error.code ?? error.message})` };
    }
  }

  // The oldest file that is to be delivered, as { name, text }; null when there is none.
  next() {
    if (!this.#directory) return null;
    if (this.#own.length === 0 && this.#open) this.#complete();
    this.#look();
    for (const names of [this.#own, this.#foreign]) {
      while (names.length > 0) {
        const text = this.#read(names[0]);
        if (text) return { name: names[0], text };
        this.delivered(names[0]);  // empty, unreadable, or delivered by another process
      }
    }
    return null;
  }

  // Deletes a file that next() returned.
  delivered(name) {
    this.#own = this.#own.filter((one) => one !== name);
    this.#foreign = this.#foreign.filter((one) => one !== name);
    this.#usedByOwn -= this.#sizes.get(name) ?? 0;
    this.#sizes.delete(name);
    try {
      unlinkSync(join(this.#directory, name));
    } catch {
      // Another process delivered it too, or it stays and is sent again, which stores nothing twice.
    }
  }

  // True when this object has nothing left to deliver. What others left is found by next() every few seconds.
  get isEmpty() {
    return this.#own.length === 0 && !this.#open;
  }

  // Makes what was written last available to others.
  close() {
    if (this.#open) this.#complete();
  }

  #nextName() {
    const number = String(this.#number++).padStart(6, '0');
    return `${String(Date.now()).padStart(13, '0')}-${this.#instance}-${number}`;
  }

  #prepare() {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const status = lstatSync(this.#directory);
    const isOwn = process.getuid === undefined || status.uid === process.getuid();
    // With sudo, HOME may be another user's.
    if (!status.isDirectory() || !isOwn) throw new Error('it is not a folder of this user\'s own');
  }

  #countFitting(lines) {
    let room = this.#sizeMax - this.#usedByOwn - this.#usedByOthers;
    for (const [count, line] of lines.entries()) {
      room -= Buffer.byteLength(line) + 1;
      if (room < 0) return count;
    }
    return lines.length;
  }

  // Opened for each write: nothing is held that a fork or a deletion could surprise.
  #write(lines) {
    const text = lines.join('\n') + '\n';
    const bytes = Buffer.byteLength(text);
    if (this.#open && (this.#open.bytes + bytes > FILE_SIZE_MAX || this.#open.lines + lines.length > FILE_LINES_MAX)) this.#complete();
    this.#open ??= { name: this.#nextName(), bytes: 0, lines: 0 };
    const path = join(this.#directory, `${this.#open.name}.open`);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
    const file = openSync(path, flags, 0o600);
    this.#open.bytes += bytes;
    this.#open.lines += lines.length;
    this.#usedByOwn += bytes;
    try {
      appendFileSync(file, text);
    } catch (error) {
      // A part of it may be on the disk: the daemon rejects a torn line, and whole ones are stored once.
      this.#complete();
      throw error;
    } finally {
      closeSync(file);
    }
  }

  #complete() {
    const { name, bytes } = this.#open;
    this.#open = null;
    try {
      renameSync(join(this.#directory, `${name}.open`), join(this.#directory, `${name}.ndjson`));
      this.#own.push(`${name}.ndjson`);
      this.#sizes.set(`${name}.ndjson`, bytes);
    } catch {
      this.#usedByOwn -= bytes;  // somebody deleted it
    }
  }

  #read(name) {
    const path = join(this.#directory, name);
    try {
      const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      try {
        return readFileSync(file, 'utf8').slice(0, READ_SIZE_MAX);
      } finally {
        closeSync(file);
      }
    } catch {
      return '';
    }
  }

  // What other processes have left in the folder, every few seconds.
  #look() {
    const now = Date.now();
    if (now - this.#lookedAt < LOOK_EVERY_MS && now >= this.#lookedAt) return;
    this.#lookedAt = now;
    this.#foreign = [];
    this.#usedByOthers = 0;
    let names;
    try {
      names = readdirSync(this.#directory).sort();
    } catch {
      return;  // nothing was ever kept
    }
    for (const name of names) {
      const parts = NAME.exec(name);
      if (parts && !name.includes(this.#instance)) this.#lookAt(name, parts, now);
    }
  }

  #lookAt(name, [, pid, start, ending], now) {
    try {
      const path = join(this.#directory, name);
      const status = statSync(path);
      this.#usedByOthers += status.size;
      const isAlive = Number(start) !== 0 && startTime(Number(pid)) === Number(start);
      if (ending === 'ndjson' && (!isAlive || now - status.mtimeMs > LEFT_BY_THE_LIVING_MS)) this.#foreign.push(name);
      if (ending === 'open' && !isAlive) {
        // Under a name of this object: a process that cannot be seen from here may still make a file of the old one.
        const complete = `${this.#nextName()}.ndjson`;
        renameSync(path, join(this.#directory, complete));
        this.#foreign.push(complete);
      }
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;  // else another process was faster
    }
  }
}
