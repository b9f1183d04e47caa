// Elements. Stored text only ever becomes a text node: no function here takes markup.

export const $ = (id) => document.getElementById(id);

// Returns an element with these children, nodes or texts; null and undefined are skipped.
export function make(tag, className = '', ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const child of children) if (child !== null && child !== undefined) element.append(child);
  return element;
}

// Returns a button that submits nothing.
export function makeButton(className, label, onClick) {
  const button = make('button', className, label);
  button.type = 'button';
  if (onClick) button.addEventListener('click', onClick);
  return button;
}

export function makeTime(iso, text) {
  const time = make('time', '', text);
  time.dateTime = time.title = iso;
  return time;
}

// Writes to the clipboard; where that is not permitted, as on plain http from another host, selects `fallback` instead.
async function copyText(text, fallback) {
  try {
    await navigator.clipboard.writeText(text);
    return 'Copied';
  } catch {
    if (fallback) getSelection().selectAllChildren(fallback);
    return fallback ? 'Selected' : 'Not permitted';
  }
}

// Returns a button that copies what `read` returns and says so for a moment.
export function makeCopyButton(className, label, read, fallback) {
  const button = makeButton(className, label, async () => {
    button.textContent = await copyText(read(), fallback);
    setTimeout(() => (button.textContent = label), 1500);
  });
  return button;
}

// Returns a command or a text with a button that copies it.
export function makePasteLine(text) {
  const code = make('pre', '', text);
  return make('div', 'paste', code, makeCopyButton('', 'Copy', () => text, code));
}

export const sleep = (ms, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms);
  signal?.addEventListener('abort', () => {
    clearTimeout(timer);
    resolve();
  }, { once: true });
});

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Shows a notice of one of three kinds in a box: '' (quiet), 'error', or 'loading'. No text hides it.
export function showNotice(box, kind, ...children) {
  box.className = `notice ${kind}`.trim();
  box.replaceChildren(...children);
  box.hidden = children.length === 0;
}
