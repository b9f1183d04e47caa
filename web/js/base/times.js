// Times: UTC in the address, so that a link means the same for every reader; the chosen zone everywhere else.

const two = (number) => String(number).padStart(2, '0');

let isUtc = false;

// The zone that times are shown in: the browser's own, or UTC.
export const zoneIsUtc = () => isUtc;
export const setZoneUtc = (value) => {
  isUtc = value;
};
export const timeZone = () => (isUtc ? 'UTC' : undefined);

// Returns how far the zone is ahead of UTC at an instant, as +01:00.
export function zoneOffset(ms) {
  const ahead = isUtc ? 0 : -new Date(ms).getTimezoneOffset();
  const minutes = Math.abs(ahead);
  return `${ahead < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

export function zoneLabel(ms) {
  const name = isUtc ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone;
  return name === 'UTC' ? name : `${name} (UTC${zoneOffset(ms)})`;
}

export function startOfDay(ms) {
  const at = new Date(ms);
  return isUtc ? at.setUTCHours(0, 0, 0, 0) : at.setHours(0, 0, 0, 0);
}

// Returns the value of a datetime-local field that shows this instant.
export function fieldTime(ms) {
  // Moved by the zone's distance, the UTC members of a date are those of the zone.
  const text = new Date(isUtc ? ms : ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString();
  const rest = ms % 1000 !== 0 ? text.slice(16, 23) : ms % 60_000 !== 0 ? text.slice(16, 19) : '';
  return text.slice(0, 16) + rest;
}

// Returns the instant of a time in an address: RFC 3339, or Unix milliseconds. A time without a zone, as in old links, is local. Returns
// NaN for anything else.
export function addressTime(text) {
  if (/^\d{12,15}$/.test(text)) return Number(text);
  return /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/i.test(text) ? Date.parse(text.replace(' ', 'T')) : NaN;
}

// A field whose instant is known more precisely than what it shows, such as an hour that occurs twice when clocks are set back.
export class TimeField {
  #shown = '';
  #ms = NaN;

  // Shows an instant; NaN: nothing. Returns what the field must show.
  show(ms) {
    this.#ms = ms;
    this.#shown = Number.isNaN(ms) ? '' : fieldTime(ms);
    return this.#shown;
  }

  // Reads a time from an address. Returns what the field must show; empty for a text that is no time.
  read(text) {
    return this.show(addressTime(text));
  }

  // Returns the instant of the field's value; NaN if there is none.
  instant(value) {
    if (value !== '' && value === this.#shown) return this.#ms;
    return new Date(isUtc && value !== '' ? `${value}Z` : value).getTime();
  }
}
