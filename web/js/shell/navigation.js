// The bar of views: links, so that each opens in another tab too. The digits 1 to 5 open them.

import { $, make } from '../base/dom.js';
import { VIEWS } from './address.js';
import { linkTo, navigate, onChange } from './state.js';

const LABELS = { events: 'Events', turns: 'Turns', errors: 'Errors', egress: 'Egress', health: 'Health' };

const links = new Map(VIEWS.map((view, index) => {
  const link = make('a', '', LABELS[view]);
  link.title = `Key ${index + 1}`;
  link.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    openView(view);
  });
  $('views').append(make('li', '', link));
  return [view, link];
}));

export function openView(view) {
  navigate({ view, event: '', story: '', tab: 'event' });
}

$('status-link').addEventListener('click', (event) => {
  event.preventDefault();
  openView('health');
});

onChange((state) => {
  for (const [view, link] of links) {
    link.href = linkTo({ view, event: '', story: '', tab: 'event' });
    if (view === state.view) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
    $(`view-${view}`).hidden = view !== state.view;
  }
  $('status-link').href = linkTo({ view: 'health', event: '', story: '', tab: 'event' });
  $('search').hidden = state.view !== 'events';
  document.title = `${LABELS[state.view]} · picortex`;
});
