// Small boxes that open below a control: closed by Escape, by a click elsewhere, and by opening another one (HTML, the popover attribute).

const MARGIN_PX = 8;

// Opens `box` below `anchor`, within the window.
export function openPopover(box, anchor) {
  if (box.matches(':popover-open')) box.hidePopover();
  box.showPopover();
  place(box, anchor);
}

function place(box, anchor) {
  const at = anchor.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = box;
  const left = Math.max(MARGIN_PX, Math.min(at.left, innerWidth - offsetWidth - MARGIN_PX));
  const below = at.bottom + 4;
  const top = below + offsetHeight + MARGIN_PX <= innerHeight ? below : Math.max(MARGIN_PX, at.top - offsetHeight - 4);
  box.style.left = `${left}px`;
  box.style.top = `${top}px`;
}

// Makes a button open and close a popover; the browser knows which click closes it.
export function bindPopover(button, box, onOpen) {
  button.popoverTargetElement = box;
  button.setAttribute('aria-expanded', 'false');
  box.addEventListener('beforetoggle', ({ newState }) => {
    button.setAttribute('aria-expanded', String(newState === 'open'));
    if (newState === 'open') onOpen?.();
  });
  box.addEventListener('toggle', ({ newState }) => newState === 'open' && place(box, button));
}
