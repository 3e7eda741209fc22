/**
 * Text as HTML.
 *
 * @module
 */

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for element content and for quoted attributes. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');

/** A cell: text, or a number to sort by with the text that shows it. */
export type Cell = string | { readonly text: string; readonly value: number };

const textOf = (cell: Cell): string => (typeof cell === 'string' ? cell : cell.text);

export interface TableOptions {
  readonly caption: string;
  /** Column heads are buttons that sort. */
  readonly sortable?: boolean;
}

/** A table whose first column heads its rows. */
export function htmlTable(
  titles: readonly string[],
  rows: readonly (readonly Cell[])[],
  options: TableOptions,
): string {
  const head = titles.map((title) => {
    const label = escapeHtml(title);
    return `<th scope="col">${options.sortable ? `<button type="button">${label}</button>` : label}</th>`;
  });
  const body = rows.map((row) => {
    const cells = row.map((cell, i) => {
      const value = typeof cell === 'string' || !Number.isFinite(cell.value) ? '' : ` data-value="${cell.value}"`;
      const text = escapeHtml(textOf(cell));
      return i === 0 ? `<th scope="row"${value}>${text}</th>` : `<td${value}>${text}</td>`;
    });
    return `<tr>${cells.join('')}</tr>`;
  });
  const kind = options.sortable ? ' class="sortable"' : '';
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(options.caption)}"><table${kind}><caption>${escapeHtml(options.caption)}</caption><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('\n')}</tbody></table></div>`;
}

/** An element with a heading that the page's outline shows. */
export const section = (title: string, ...parts: readonly string[]): string =>
  `<section><h2>${escapeHtml(title)}</h2>\n${parts.join('\n')}\n</section>`;

export const paragraph = (text: string, kind = ''): string =>
  `<p${kind === '' ? '' : ` class="${kind}"`}>${escapeHtml(text)}</p>`;
