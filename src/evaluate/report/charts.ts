/**
 * Charts as SVG. Colours are custom properties, so that a page's light and dark themes apply; a chart that is a file of its
 * own brings its own.
 *
 * @module
 */
import { scaleLinear, scalePoint } from 'd3-scale';
import { line } from 'd3-shape';
import { escapeHtml } from './html.ts';

export interface Series {
  readonly name: string;
  /** [x, y]; values that are not finite leave a gap. */
  readonly points: readonly (readonly [number, number])[];
}

export interface LineChart {
  readonly title: string;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly series: readonly Series[];
  /** Equally spaced places for these x values, instead of a linear axis. */
  readonly places?: readonly number[];
}

const SIZE = { width: 560, height: 320 };
const MARGIN = { top: 34, right: 150, bottom: 44, left: 58 };
/** Colours that stay apart in colour-blind sight (Okabe and Ito 2008), and dashes for those who see none. */
const DASHES = ['', '6 3', '2 3', '8 3 2 3', '1 4', '10 4', '4 4 1 4'];
const colour = (i: number) => `var(--series-${i % 7})`;

const label = (x: number, y: number, text: string, attributes = '') =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escapeHtml(text)}</text>`;

function frame(title: string, body: readonly string[], description: string): string {
  const size = `viewBox="0 0 ${SIZE.width} ${SIZE.height}" width="${SIZE.width}" height="${SIZE.height}"`;
  return `<svg class="chart" xmlns="http://www.w3.org/2000/svg" role="img" aria-label="${escapeHtml(`${title}. ${description}`)}" ${size} font-family="system-ui, sans-serif" font-size="12" fill="var(--text)">\n${label(MARGIN.left, 20, title, 'font-weight="600"')}\n${body.join('\n')}\n</svg>`;
}

function empty(title: string): string {
  return frame(title, [label(MARGIN.left, 60, 'no values')], 'No values');
}

function verticalAxis(ticks: readonly number[], place: (value: number) => number, format: (value: number) => string) {
  const right = SIZE.width - MARGIN.right;
  return ticks.map((tick) => {
    const y = place(tick);
    const grid = `<line x1="${MARGIN.left}" x2="${right}" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}" stroke="var(--grid)"/>`;
    return grid + label(MARGIN.left - 6, y + 4, format(tick), 'text-anchor="end"');
  });
}

function axisTitles(xTitle: string, yTitle: string): string[] {
  const middle = (MARGIN.top + SIZE.height - MARGIN.bottom) / 2;
  return [
    label((MARGIN.left + SIZE.width - MARGIN.right) / 2, SIZE.height - 8, xTitle, 'text-anchor="middle"'),
    label(14, middle, yTitle, `text-anchor="middle" transform="rotate(-90 14 ${middle})"`),
  ];
}

function legend(names: readonly string[]): string[] {
  const x = SIZE.width - MARGIN.right + 12;
  return names.map((name, i) => {
    const y = MARGIN.top + 8 + 18 * i;
    const stroke = `stroke="${colour(i)}" stroke-width="2.5" stroke-dasharray="${DASHES[i % DASHES.length]}"`;
    return `<line x1="${x}" x2="${x + 22}" y1="${y}" y2="${y}" ${stroke}/>${label(x + 28, y + 4, name)}`;
  });
}

/** Lines with points over a linear or a spaced axis. */
export function lineChart({ title, xTitle, yTitle, series, places }: LineChart): string {
  const all = series.flatMap(({ points }) => points).filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  if (all.length === 0) return empty(title);
  const range: [number, number] = [MARGIN.left, SIZE.width - MARGIN.right];
  const [xs, ys] = [all.map(([x]) => x), all.map(([, y]) => y)];
  const linear = scaleLinear([Math.min(...xs), Math.max(...xs)], range);
  const points = scalePoint<number>(places ?? [], [range[0] + 8, range[1] - 8]);
  const x = (value: number) => (places ? (points(value) ?? range[0]) : linear(value));
  const y = scaleLinear([Math.min(...ys), Math.max(...ys)], [SIZE.height - MARGIN.bottom, MARGIN.top]).nice();
  // Between whole numbers (pictures, steps) there is nothing.
  const ticks = linear.ticks(6).filter((tick) => Number.isInteger(tick) || !xs.every(Number.isInteger));
  const below = (places ?? ticks).map((tick) =>
    label(
      x(tick),
      SIZE.height - MARGIN.bottom + 18,
      places ? String(tick) : linear.tickFormat(6, '~s')(tick),
      'text-anchor="middle"',
    ),
  );
  const path = line<readonly [number, number]>(
    ([value]) => x(value),
    ([, value]) => y(value),
  ).defined(([, value]) => Number.isFinite(value));
  const curves = series.map(({ name, points: own }, i) => {
    const stroke = `stroke="${colour(i)}" stroke-width="2" stroke-dasharray="${DASHES[i % DASHES.length]}"`;
    const dots = own
      .filter(([, value]) => Number.isFinite(value) && own.length <= 40)
      .map(
        ([px, py]) =>
          `<circle cx="${x(px).toFixed(1)}" cy="${y(py).toFixed(1)}" r="3" fill="${colour(i)}"><title>${escapeHtml(`${name}, ${px}: ${py.toPrecision(5)}`)}</title></circle>`,
      );
    return `<path d="${path([...own]) ?? ''}" fill="none" ${stroke}/>${dots.join('')}`;
  });
  const body = [
    ...verticalAxis(y.ticks(6), y, y.tickFormat(6)),
    ...below,
    ...axisTitles(xTitle, yTitle),
    ...curves,
    ...legend(series.map(({ name }) => name)),
  ];
  return frame(title, body, `${yTitle} over ${xTitle} for ${series.map(({ name }) => name).join(', ')}`);
}

export interface Histogram {
  readonly title: string;
  readonly xTitle: string;
  readonly series: readonly { readonly name: string; readonly values: readonly number[] }[];
}

/** How many values fall into each of about twenty equal parts; outlined, so that series can lie over each other. */
export function histogram({ title, xTitle, series }: Histogram): string {
  const all = series.flatMap(({ values }) => values).filter(Number.isFinite);
  if (all.length === 0) return empty(title);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const x = scaleLinear([least, most === least ? least + 1 : most], [MARGIN.left, SIZE.width - MARGIN.right]).nice();
  const [start, end] = x.domain() as [number, number];
  const bins = 20;
  const counted = series.map(({ name, values }) => {
    const counts = Array.from({ length: bins }, () => 0);
    for (const value of values.filter(Number.isFinite)) {
      const bin = Math.min(bins - 1, Math.floor((bins * (value - start)) / (end - start)));
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
    return { name, counts };
  });
  const highest = Math.max(...counted.flatMap(({ counts }) => counts));
  const y = scaleLinear([0, highest], [SIZE.height - MARGIN.bottom, MARGIN.top]).nice();
  const outlines = counted.map(({ counts }, i) => {
    const steps = counts.map((count, bin) => {
      const [left, right] = [x(start + ((end - start) * bin) / bins), x(start + ((end - start) * (bin + 1)) / bins)];
      return `${bin === 0 ? 'M' : 'L'}${left.toFixed(1)},${y(count).toFixed(1)}H${right.toFixed(1)}`;
    });
    const d = `${steps.join('')}V${y(0)}H${x(start)}Z`;
    return `<path d="${d}" fill="${colour(i)}" fill-opacity="0.25" stroke="${colour(i)}" stroke-width="1.5" stroke-dasharray="${DASHES[i % DASHES.length]}"/>`;
  });
  const below = x
    .ticks(6)
    .map((tick) => label(x(tick), SIZE.height - MARGIN.bottom + 18, x.tickFormat(6)(tick), 'text-anchor="middle"'));
  const body = [
    ...verticalAxis(y.ticks(5).filter(Number.isInteger), y, String),
    ...outlines,
    ...below,
    ...axisTitles(xTitle, 'pictures'),
    ...legend(series.map(({ name }) => name)),
  ];
  return frame(title, body, `Distribution of ${xTitle} for ${series.map(({ name }) => name).join(', ')}`);
}
