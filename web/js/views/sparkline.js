// A small chart of counts over time, without axes.

const SVG = 'http://www.w3.org/2000/svg';
const HEIGHT = 24;
const STEP = 8;

// `label` says the same in words.
export function makeSparkline(counts, label) {
  const svg = document.createElementNS(SVG, 'svg');
  const width = counts.length * STEP;
  svg.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
  svg.setAttribute('class', 'sparkline');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', label);
  const most = Math.max(1, ...counts);
  counts.forEach((count, index) => {
    const height = count === 0 ? 1 : Math.max(3, (count / most) * HEIGHT);
    const bar = document.createElementNS(SVG, 'rect');
    bar.setAttribute('x', index * STEP + 1);
    bar.setAttribute('y', HEIGHT - height);
    bar.setAttribute('width', STEP - 2);
    bar.setAttribute('height', height);
    bar.setAttribute('class', count === 0 ? 'none' : 'some');
    svg.append(bar);
  });
  return svg;
}
