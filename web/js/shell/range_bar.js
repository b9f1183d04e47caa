// The time that all views show: presets, or two times in the zone that is stated.

import { $, makeButton } from '../base/dom.js';
import { dayAndClock } from '../base/format.js';
import { TimeField, setZoneUtc, zoneIsUtc, zoneLabel } from '../base/times.js';
import { PRESET_LABELS, PRESETS, rangeTimes } from './address.js';
import { bindPopover } from './popover.js';
import { current, navigate, onChange } from './state.js';

const ZONE_KEY = 'picortex-zone';
const fields = { since: new TimeField(), until: new TimeField() };
const zoneListeners = [];
const form = $('custom-form');

// `work` is called when times have to be shown in another zone.
export function onZoneChange(work) {
  zoneListeners.push(work);
}

for (const preset of Object.keys(PRESETS)) {
  const button = makeButton('', PRESET_LABELS[preset], () => navigate({ range: { preset } }));
  button.dataset.preset = preset;
  $('presets').insertBefore(button, $('custom'));
}

function customLabel({ sinceMs, untilMs }) {
  if (sinceMs === null && untilMs === null) return 'Custom';
  if (sinceMs === null) return `until ${dayAndClock(untilMs)}`;
  return untilMs === null ? `since ${dayAndClock(sinceMs)}` : `${dayAndClock(sinceMs)} – ${dayAndClock(untilMs)}`;
}

function show() {
  const { range } = current();
  for (const button of $('presets').querySelectorAll('[data-preset]')) button.setAttribute('aria-pressed', String(button.dataset.preset === range.preset));
  $('custom').setAttribute('aria-pressed', String(range.preset === undefined));
  $('custom').textContent = range.preset === undefined ? customLabel(range) : 'Custom';
  $('zone').textContent = zoneLabel(Date.now());
  $('zone').title = zoneIsUtc() ? 'Times are shown in UTC. Select to show them in the zone of this browser' : 'Times are shown in the zone of this browser. Select to show them in UTC';
}

function openCustom() {
  const { sinceMs, untilMs } = rangeTimes(current().range, Date.now());
  form.elements.since.value = fields.since.show(sinceMs ?? NaN);
  form.elements.until.value = fields.until.show(untilMs ?? NaN);
  $('custom-zone').textContent = `Times are ${zoneLabel(Date.now())}. An empty field is no limit.`;
  $('custom-problem').hidden = true;
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const [sinceMs, untilMs] = ['since', 'until'].map((name) => {
    const { value } = form.elements[name];
    return value === '' ? null : fields[name].instant(value);
  });
  // A field that is only partly filled in has no value, and is not valid.
  const isPartial = ['since', 'until'].some((name) => !form.elements[name].checkValidity());
  const problem = isPartial || Number.isNaN(sinceMs) || Number.isNaN(untilMs) ? 'A time is not complete'
    : sinceMs !== null && untilMs !== null && sinceMs >= untilMs ? 'Since is not before Until' : '';
  $('custom-problem').textContent = problem;
  $('custom-problem').hidden = problem === '';
  if (problem !== '') return;
  $('custom-box').hidePopover();
  navigate({ range: { sinceMs, untilMs } });
});

function setZone(isUtc) {
  setZoneUtc(isUtc);
  localStorage.setItem(ZONE_KEY, isUtc ? 'utc' : 'local');
  show();
  for (const work of zoneListeners) work();
}

$('zone').addEventListener('click', () => setZone(!zoneIsUtc()));
bindPopover($('custom'), $('custom-box'), openCustom);
setZoneUtc(localStorage.getItem(ZONE_KEY) === 'utc');
onChange(show);
