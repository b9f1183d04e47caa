// The events of the list, the newest arrival first. Live events and result pages are kept apart, so that adding at either end costs
// nothing however long the list is.

export const EVENTS_MAX = 100_000;     // in the list; older ones can be read again
export const LIVE_EVENTS_MAX = 2_000;  // to which a list that only follows is cut, so that its memory stays flat

export class EventBuffer {
  #live = [];     // the newest last
  #stored = [];   // the newest first
  #ids = new Set();
  #wanted = LIVE_EVENTS_MAX;  // how many the reader has asked for

  get length() {
    return this.#live.length + this.#stored.length;
  }

  has(id) {
    return this.#ids.has(id);
  }

  at(index) {
    const { length } = this.#live;
    return index < length ? this.#live[length - 1 - index] : this.#stored[index - length];
  }

  // Returns -1 for an event that is not there.
  indexOf(id) {
    if (!this.#ids.has(id)) return -1;
    for (let index = 0; index < this.length; ++index) if (this.at(index).id === id) return index;
    return -1;
  }

  // Adds live events, the newest last. Returns how many of them were new.
  prepend(events) {
    const fresh = this.#fresh(events);
    for (const event of fresh) this.#live.push(event);
    return fresh.length;
  }

  // Adds a result page, the newest first. Returns how many of its events were new.
  append(events) {
    const fresh = this.#fresh(events);
    for (const event of fresh) this.#stored.push(event);
    this.#wanted = Math.max(this.#wanted, Math.min(EVENTS_MAX, this.length));
    return fresh.length;
  }

  // Drops the oldest events beyond what the reader has asked for. Returns these, the newest first.
  trim() {
    const excess = this.length - this.#wanted;
    if (excess <= 0) return [];
    const dropped = this.#stored.splice(Math.max(0, this.#stored.length - excess));
    if (dropped.length < excess) dropped.unshift(...this.#live.splice(0, excess - dropped.length).reverse());
    for (const { id } of dropped) this.#ids.delete(id);
    return dropped;
  }

  #fresh(events) {
    return events.filter(({ id }) => {
      if (this.#ids.has(id)) return false;
      this.#ids.add(id);
      return true;
    });
  }
}
