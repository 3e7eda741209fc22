/**
 * The curves of a run as one SVG picture: loss on the left, validation on the right.
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
  readonly logarithmic: boolean;
}

const PANEL = { width: 460, height: 320 };
const MARGIN = { top: 34, right: 120, bottom: 40, left: 56 };
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

function drawPanel({ title, series, logarithmic }: Panel, left: number): string {
  const all = series.flatMap(({ points }) => points);
  const steps = all.map(([step]) => step);
  const values = all.map(([, value]) => value).filter((value) => Number.isFinite(value) && (!logarithmic || value > 0));
  if (values.length === 0) return text(left + MARGIN.left, 60, `${title}: nothing logged yet`);
  const x = scaleLinear(
    [Math.min(...steps), Math.max(...steps, 1)],
    [left + MARGIN.left, left + PANEL.width - MARGIN.right],
  );
  const range: [number, number] = [PANEL.height - MARGIN.bottom, MARGIN.top];
  const domain: [number, number] = [Math.min(...values), Math.max(...values)];
  const y = (logarithmic ? scaleLog(domain, range) : scaleLinear(domain, range)).nice();
  const [x0, x1] = x.range() as [number, number];
  // A logarithmic axis offers every digit of every decade; three a decade can be read.
  const ticks = y.ticks(6).filter((tick) => !logarithmic || /^[125]/.test(tick.toExponential()));
  const grid = ticks.map((tick) => {
    const at = y(tick);
    return `<line x1="${x0}" x2="${x1}" y1="${at}" y2="${at}" stroke="#ddd"/>${text(x0 - 6, at + 4, String(tick), 'text-anchor="end"')}`;
  });
  const below = x
    .ticks(5)
    .map((tick) =>
      text(x(tick), PANEL.height - MARGIN.bottom + 18, x.tickFormat(5, '~s')(tick), 'text-anchor="middle"'),
    );
  const path = line<readonly [number, number]>(
    ([step]) => x(step),
    ([, value]) => y(value),
  ).defined(([, value]) => Number.isFinite(value) && (!logarithmic || value > 0));
  const curves = series.map(({ name, points }, i) => {
    const colour = COLOURS[i % COLOURS.length];
    const d = path([...points]) ?? '';
    const label = text(x1 + 8, MARGIN.top + 10 + 16 * i, name, `fill="${colour}"`);
    return `<path d="${d}" fill="none" stroke="${colour}" stroke-width="1.5"/>${label}`;
  });
  const heading = text(x0, 20, title, 'font-weight="bold"');
  const axis = text((x0 + x1) / 2, PANEL.height - 6, 'step', 'text-anchor="middle"');
  return [heading, ...grid, ...below, axis, ...curves].join('\n');
}

/** Draws a log, 920 x 320 pixels. */
export function plotLog(entries: readonly LogEntry[]): string {
  const steps = entries.filter((entry): entry is StepEntry => entry.kind === 'step');
  const validations = entries.filter((entry): entry is ValidationEntry => entry.kind === 'validation');
  const losses = (['restoration', 'contrastive', 'strength', 'intent'] as const).map((name) => ({
    name,
    points: smoothed(steps.map((entry) => [entry.step, entry[name]] as const)),
  }));
  const names = [...new Set(validations.flatMap(({ rows }) => rows.map(({ name }) => name)))].filter(
    (name) => name !== 'clean',
  );
  const quality = names.map((name) => ({
    name,
    points: validations.flatMap(({ step, rows }) =>
      rows.filter((row) => row.name === name).map((row) => [step, row.output] as const),
    ),
  }));
  const panels = [
    drawPanel({ title: 'Training losses', series: losses, logarithmic: true }, 0),
    drawPanel({ title: 'Validation PSNR, one step (dB)', series: quality, logarithmic: false }, PANEL.width),
  ];
  const size = `width="${2 * PANEL.width}" height="${PANEL.height}" viewBox="0 0 ${2 * PANEL.width} ${PANEL.height}"`;
  const style = 'font-family="sans-serif" font-size="11"';
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${style}>\n<rect width="100%" height="100%" fill="#fff"/>\n${panels.join('\n')}\n</svg>\n`;
}
