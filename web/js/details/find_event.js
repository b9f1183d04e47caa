// Finds an event by its ID, and the events around one.

import { askJson } from '../base/ask.js';

const MINUTE_MS = 60_000;
const WINDOW_MS_MAX = 7 * 1440 * MINUTE_MS;
const PAGE_MAX = 200;

// Returns the event with this ID, or null.
export async function findEvent(id, signal) {
  const story = await askJson(`/api/story?id=${id}`, { signal });
  const step = story.steps.find((one) => one.id === id);
  // The time of an ID that picortex made: a UUID v7 (RFC 9562).
  const ms = step ? Date.parse(step.time) : Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
  const query = new URLSearchParams({ request_id: story.request_id, since: ms, until: ms + 1, limit: PAGE_MAX });
  for (;;) {
    const page = await askJson(`/api/events?${query}`, { signal });
    const found = page.events.find((event) => event.id === id);
    if (found || page.next_cursor === null) return found ?? null;
    query.set('cursor', page.next_cursor);
  }
}

// Reads a few result pages to their end.
async function read(query, signal, wanted) {
  const events = [];
  const page = new URLSearchParams(query);
  for (let pages = 0; pages < 20; ++pages) {
    const answer = await askJson(`/api/events?${page}`, { signal });
    events.push(...answer.events);
    if (answer.next_cursor === null) return { events, isWhole: true };
    if (events.length >= wanted) return { events, isWhole: false };
    page.set('cursor', answer.next_cursor);
  }
  return { events, isWhole: false };
}

// Returns up to `count` events before and after an event's time, the newest first. The daemon reads backwards only, so later events are
// looked for in a window that grows until it holds enough.
export async function eventsAround(event, filter, count, signal) {
  const ms = Date.parse(event.time);
  const before = new URLSearchParams({ ...filter, until: ms + 1, limit: count + 1 });
  const earlier = (await read(before, signal, count + 1)).events.slice(0, count + 1);
  let later = [];
  for (let windowMs = 1000; ; windowMs *= 8) {
    const after = new URLSearchParams({ ...filter, since: ms + 1, until: ms + 1 + windowMs, limit: PAGE_MAX });
    const { events, isWhole } = await read(after, signal, PAGE_MAX * 5);
    if (isWhole) later = events.slice(-count);
    if (!isWhole || later.length === count || windowMs >= WINDOW_MS_MAX || ms + windowMs > Date.now()) break;
  }
  return [...later, ...earlier];
}
