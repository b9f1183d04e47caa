// Shows a long list in a scroller: only the rows in sight, and a few around them, are elements. Rows have one height, the style's --row.
// The list is one stop of the Tab key; the arrow keys move within it (WAI-ARIA, listbox).

const AROUND = 8;  // rows that are kept above and below what is in sight

export class VirtualList {
  #elements = new Map();  // by item
  #active = -1;
  #frame = 0;

  // `scroller` scrolls, `rows` in it is the listbox. `makeRow(item)` returns an <li>; `source` has length and at(index), and its items have
  // an id; `onOpen(item)` is called for a click or Enter.
  constructor(scroller, rows, { source, makeRow, onOpen, onActive }) {
    Object.assign(this, { scroller, rows, source, makeRow, onOpen, onActive });
    scroller.addEventListener('scroll', () => this.refresh(), { passive: true });
    rows.addEventListener('keydown', (event) => this.#key(event));
    new ResizeObserver(() => this.refresh()).observe(scroller);
  }

  get rowHeight() {
    return Number.parseFloat(getComputedStyle(this.scroller).getPropertyValue('--row'));
  }

  get active() {
    return this.#active < 0 ? null : this.source.at(this.#active) ?? null;
  }

  // Shows another list from its beginning.
  reset(source) {
    this.source = source;
    this.#active = -1;
    for (const element of this.#elements.values()) element.remove();
    this.#elements.clear();
    this.scroller.scrollTop = 0;
    this.rows.dataset.count = source.length;
    this.refresh();
  }

  // Call it when `count` items were added in front.
  shifted(count) {
    if (this.#active >= 0) this.#active += count;
    this.refresh();
  }

  refresh() {
    if (this.#frame === 0) {
      this.#frame = requestAnimationFrame(() => {
        this.#frame = 0;
        this.#render();
      });
    }
  }

  // Makes all rows again, since what they show has changed.
  redraw() {
    for (const element of this.#elements.values()) element.remove();
    this.#elements.clear();
    this.refresh();
  }

  #render() {
    const { length } = this.source;
    const height = this.rowHeight;
    this.rows.style.height = `${length * height}px`;
    const top = this.scroller.scrollTop;
    const first = Math.max(0, Math.floor(top / height) - AROUND);
    const last = Math.min(length, Math.ceil((top + this.scroller.clientHeight) / height) + AROUND);
    const gone = new Map(this.#elements);
    for (let index = first; index < last; ++index) {
      const item = this.source.at(index);
      let element = this.#elements.get(item);
      if (element === undefined) {
        element = this.makeRow(item);
        element.id = `row-${item.id}`;
        element.setAttribute('role', 'option');
        element.setAttribute('aria-selected', 'false');
        element.addEventListener('click', (event) => this.#click(item, event));
        this.#elements.set(item, element);
        this.rows.append(element);
      } else {
        gone.delete(item);
      }
      element.style.transform = `translateY(${index * height}px)`;
      element.setAttribute('aria-setsize', length);
      element.setAttribute('aria-posinset', index + 1);
      element.setAttribute('aria-selected', String(index === this.#active));
    }
    for (const [item, element] of gone) {
      element.remove();
      this.#elements.delete(item);
    }
    if (this.active === null) this.rows.removeAttribute('aria-activedescendant');
    else this.rows.setAttribute('aria-activedescendant', `row-${this.active.id}`);
    this.rows.dataset.count = length;
  }

  // Selects a row and scrolls as far as it takes to show it.
  select(index) {
    if (this.source.length === 0) return;
    this.#active = Math.max(0, Math.min(this.source.length - 1, index));
    const height = this.rowHeight;
    const { scroller } = this;
    const top = this.#active * height;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top + height > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = top + height - scroller.clientHeight;
    this.refresh();
  }

  // Moves by this many rows from the selected one.
  move(count) {
    const from = this.#active < 0 ? Math.floor(this.scroller.scrollTop / this.rowHeight) - (count > 0 ? 1 : 0) : this.#active;
    this.select(from + count);
    this.onActive?.(this.active);
  }

  deselect() {
    this.#active = -1;
    this.refresh();
  }

  #click(item, event) {
    for (let index = 0; index < this.source.length; ++index) {
      if (this.source.at(index) === item) {
        this.#active = index;
        break;
      }
    }
    this.refresh();
    this.onOpen(item, event);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / this.rowHeight) - 1);
    const steps = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in steps) {
      const step = steps[event.key];
      this.move(Number.isFinite(step) ? step : Math.sign(step) * this.source.length);
    } else if ((event.key === 'Enter' || event.key === ' ') && this.active !== null) {
      this.onOpen(this.active, event);
    } else {
      return;
    }
    event.preventDefault();
  }
}
