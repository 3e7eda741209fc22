/**
 * The curves of a run as one SVG picture: losses on the left, validation on the right.
 *
 * @module
 */
import { scaleLinear, scaleLog } from 'd3-scale';
import { line } from 'd3-shape';
import type { LogEntry, StepEntry, ValidationEntry } from './log.ts';

interface Series {
  readonly name: string;
  /** [step, value]. */
  readonly points: readonly (readonly [number, number])[];
}

interface Panel {
  readonly title: string;
  readonly series: readonly Series[];
  /** A logarithmic axis, where all values are above 0. */
  readonly logarithmic: boolean;
  /** Few points, which would be lost without a mark (and a single one invisible). */
  readonly marked?: boolean;
}

const PANEL = { width: 420, height: 320 };
const MARGIN = { top: 34, right: 105, bottom: 40, left: 50 };
/** Colours that stay apart in colour-blind sight (Okabe and Ito 2008). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000', '#8c6d31', '#7f7f7f'];

const escapeXml = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
const text = (x: number, y: number, body: string, attributes = '') =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escapeXml(body)}</text>`;

/** Mean over a window that grows with the run: raw losses of single batches hide the course. */
function smoothed(points: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  const reach = Math.max(1, Math.floor(points.length / 60));
  return points.map(([step], i) => {
    const window = points.slice(Math.max(0, i - reach), i + reach + 1);
    return [step, window.reduce((sum, [, value]) => sum + value, 0) / window.length] as const;
  });
}

/** The range from one of 1, 2, 5 times a power of ten to another; d3's own ends at whole powers and leaves much empty. */
function niceLogDomain(least: number, most: number): [number, number] {
  const steps = [1, 2, 5, 10];
  const power = (value: number) => 10 ** Math.floor(Math.log10(value));
  const below = steps.findLast((step) => step * power(least) <= least) ?? 1;
  const above = steps.find((step) => step * power(most) >= most) ?? 10;
  return [below * power(least), above * power(most)];
}

function verticalScale(values: readonly number[], logarithmic: boolean) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const range = [PANEL.height - MARGIN.bottom, MARGIN.top];
  if (logarithmic && least > 0) {
    const scale = scaleLog(niceLogDomain(least, most), range);
    // A logarithmic axis offers every digit of every decade; three a decade can be read.
    const ticks = scale.ticks().filter((tick) => /^[125]/.test(tick.toExponential()));
    return { scale, ticks: ticks.map((tick) => ({ tick, label: String(tick) })) };
  }
  const scale = scaleLinear([least, most], range).nice();
  const format = scale.tickFormat(6);
  return { scale, ticks: scale.ticks(6).map((tick) => ({ tick, label: format(tick) })) };
}

function drawPanel({ title, series, logarithmic, marked = false }: Panel, left: number): string {
  const all = series.flatMap(({ points }) => points).filter(([, value]) => Number.isFinite(value));
  const heading = text(left + MARGIN.left, 20, title, 'font-weight="bold"');
  if (all.length === 0) return `${heading}\n${text(left + MARGIN.left, 60, 'nothing logged yet')}`;
  const steps = all.map(([step]) => step);
  const x = scaleLinear(
    [Math.min(...steps), Math.max(...steps, 1)],
    [left + MARGIN.left, left + PANEL.width - MARGIN.right],
  );
  const { scale: y, ticks } = verticalScale(
    all.map(([, value]) => value),
    logarithmic,
  );
  const [x0, x1] = x.range() as [number, number];
  const grid = ticks.map(({ tick, label }) => {
    const at = y(tick);
    return `<line x1="${x0}" x2="${x1}" y1="${at}" y2="${at}" stroke="#ddd"/>${text(x0 - 6, at + 4, label, 'text-anchor="end"')}`;
  });
  const below = x
    .ticks(5)
    .map((tick) =>
      text(x(tick), PANEL.height - MARGIN.bottom + 18, x.tickFormat(5, '~s')(tick), 'text-anchor="middle"'),
    );
  const path = line<readonly [number, number]>(
    ([step]) => x(step),
    ([, value]) => y(value),
  ).defined(([, value]) => Number.isFinite(value));
  const curves = series.map(({ name, points }, i) => {
    const colour = COLOURS[i % COLOURS.length];
    const label = text(x1 + 8, MARGIN.top + 10 + 16 * i, name, `fill="${colour}"`);
    const marks = (marked ? points.filter(([, value]) => Number.isFinite(value)) : []).map(
      ([step, value]) => `<circle cx="${x(step).toFixed(1)}" cy="${y(value).toFixed(1)}" r="2" fill="${colour}"/>`,
    );
    const d = path([...points]) ?? '';
    return `<path d="${d}" fill="none" stroke="${colour}" stroke-width="1.5"/>${marks.join('')}${label}`;
  });
  const axis = text((x0 + x1) / 2, PANEL.height - 6, 'step', 'text-anchor="middle"');
  return [heading, ...grid, ...below, axis, ...curves].join('\n');
}

/** Draws a log: 320 pixels high, 420 wide for each panel. */
export function plotLog(entries: readonly LogEntry[]): string {
  const steps = entries.filter((entry): entry is StepEntry => entry.kind === 'step');
  const validations = entries.filter((entry): entry is ValidationEntry => entry.kind === 'validation');
  const lossOf = (name: 'restoration' | 'contrastive' | 'strength' | 'intent') => ({
    name,
    points: smoothed(steps.map((entry) => [entry.step, entry[name]] as const)),
  });
  // A loss that is 0 throughout is one that the configuration switched off.
  const auxiliary = (['contrastive', 'strength', 'intent'] as const)
    .map(lossOf)
    .filter(({ points }) => points.some(([, value]) => value !== 0));
  const names = [...new Set(validations.flatMap(({ rows }) => rows.map(({ name }) => name)))].filter(
    (name) => name !== 'clean',
  );
  const quality = names.map((name) => ({
    name,
    points: validations.flatMap(({ step, rows }) =>
      rows.filter((row) => row.name === name).map((row) => [step, row.output] as const),
    ),
  }));
  const panels: Panel[] = [
    // Apart from the others, because one of its kinds (psnr) falls below 0.
    { title: 'Restoration loss', series: [lossOf('restoration')], logarithmic: true },
    ...(auxiliary.length > 0 ? [{ title: 'Other losses', series: auxiliary, logarithmic: true }] : []),
    { title: 'Validation PSNR, one step (dB)', series: quality, logarithmic: false, marked: true },
  ];
  const width = panels.length * PANEL.width;
  const size = `width="${width}" height="${PANEL.height}" viewBox="0 0 ${width} ${PANEL.height}"`;
  const style = 'font-family="sans-serif" font-size="11"';
  const drawn = panels.map((panel, i) => drawPanel(panel, i * PANEL.width));
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${style}>\n<rect width="100%" height="100%" fill="#fff"/>\n${drawn.join('\n')}\n</svg>\n`;
}
