// The steps of a histogram as uPlot draws them: every step of the time, with the levels as stacked sums.

// The levels that are drawn, the lowest of the stack first: [name, colour, levels of the daemon].
export const STACK = [
  ['debug', '--level-debug', ['trace', 'debug']], ['info', '--level-info', ['info']], ['warn', '--level-warn', ['warn']],
  ['error', '--level-error', ['error', 'fatal']],
];
const STEPS_MAX = 2000;

// `answer` is that of /api/histogram, which leaves out empty steps. Returns { times (in seconds), counts (for each level of the stack),
// sums (stacked), stepMs, total }.
export function stepsOf({ since, until, step_ms: stepMs, steps }) {
  const sinceMs = Date.parse(since);
  const untilMs = Date.parse(until);
  const known = new Map(steps.map((step) => [Date.parse(step.time), step]));
  // Steps begin where the daemon says; with none of them, at the beginning of the time.
  const anchor = known.size > 0 ? known.keys().next().value : sinceMs;
  let first = anchor - Math.ceil((anchor - sinceMs) / stepMs) * stepMs;
  if (first + stepMs <= sinceMs) first += stepMs;
  const times = [];
  const counts = STACK.map(() => []);
  for (let at = first; at < untilMs && times.length < STEPS_MAX; at += stepMs) {
    const step = known.get(at);
    times.push(at / 1000);
    for (const [index, [, , levels]] of STACK.entries()) counts[index].push(levels.reduce((sum, level) => sum + (step?.[level] ?? 0), 0));
  }
  const sums = counts.map((_, index) => times.map((__, at) => counts.slice(0, index + 1).reduce((sum, one) => sum + one[at], 0)));
  const total = sums.at(-1).reduce((sum, count) => sum + count, 0);
  return { times, counts, sums, stepMs, total };
}
