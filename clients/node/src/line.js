// Gives a log line what makes it an event that may be sent twice and is stored once: an ID, made of the line's own time.
import { UuidGenerator } from './uuid.js';

// One request may have 1 MiB.
export const LINE_SIZE_MAX = 900 * 1024;
const KEPT_OF_LONG_LINE = 64 * 1024;

// A line as pino writes it, unless its options change that: the level, then the time.
const USUAL = /^\{"level":(?:\d+|"[a-z]+"),"time":(?:(\d{13})|"([^"\\]+)")[,}]/;

export class LinePreparer {
  #ids = new UuidGenerator();

  // The event of one line, without the newline.
  prepare(line, nowMs = Date.now()) {
    if (line.length > LINE_SIZE_MAX / 4 && Buffer.byteLength(line) > LINE_SIZE_MAX) return this.#cut(line, nowMs);
    const usual = USUAL.exec(line);
    if (usual && line.endsWith('}') && !line.includes('"id":')) {
      return `${line.slice(0, -1)},"id":"${this.#id(usual[1] ? Number(usual[1]) : Date.parse(usual[2]), nowMs)}"}`;
    }
    return this.#prepareUnusual(line, nowMs);
  }

  // The event of an object.
  prepareEvent(event, nowMs = Date.now()) {
    return this.prepare(JSON.stringify({ time: nowMs, ...event }), nowMs);
  }

  #id(time, nowMs) {
    return this.#ids.next(Number.isFinite(time) ? time : nowMs);
  }

  // What is added stands last, and of a name that is given twice the daemon takes the last one. The rest of the line stays
  // as it is, with numbers that JavaScript could not hold.
  #prepareUnusual(line, nowMs) {
    const value = parseObject(line);
    if (!value) return JSON.stringify({ level: 'info', time: nowMs, event_type: 'log', msg: line, id: this.#id(nowMs, nowMs) });
    let more = '';
    let time = typeof value.time === 'string' ? Date.parse(value.time) : value.time;
    if (value.time === undefined || value.time === null) {
      time = nowMs;
      more += `,"time":${nowMs}`;
    }
    // `id` is the event's own name in picortex: the line's field would make two lines about one thing one event.
    if (value.id !== undefined && value.id !== null && value.log_id === undefined) more += `,"log_id":${JSON.stringify(value.id)}`;
    more += `,"id":"${this.#id(time, nowMs)}"`;
    const end = line.lastIndexOf('}');
    return line.slice(0, end) + (Object.keys(value).length > 0 ? more : more.slice(1)) + '}';
  }

  #cut(line, nowMs) {
    const { level, event_type, request_id, chat_id, msg } = parseObject(line) ?? {};
    const bytes = Buffer.byteLength(line);
    return JSON.stringify({
      level, time: nowMs, event_type: event_type ?? 'log', request_id, chat_id,
      msg: typeof msg === 'string' ? msg.slice(0, KEPT_OF_LONG_LINE) : `a log line of ${bytes} bytes was cut`,
      cut: { bytes, line: line.slice(0, KEPT_OF_LONG_LINE) }, id: this.#id(nowMs, nowMs),
    });
  }

  // What takes the place of a line that the daemon can never store.
  replace(line, reason, nowMs = Date.now()) {
    return JSON.stringify({
      level: 'warn', time: nowMs, event_type: 'client.rejected', msg: `a log line was rejected: ${reason}`,
      line: line.slice(0, KEPT_OF_LONG_LINE / 8), id: this.#id(nowMs, nowMs),
    });
  }
}

function parseObject(line) {
  try {
    const value = JSON.parse(line);
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
