/** What a spreadsheet would take for a formula at the beginning of a cell. */
const FORMULA = /^[=+\-@\t\r]/
const SPECIAL = /[",\r\n]/

/**
 * A record of CSV without its line break (RFC 4180 §2). A text that a spreadsheet would run as a formula is given a `'`
 * in front and quotes around, which makes it a text there.
 */
export function csvLine(cells: readonly (string | number)[]): string {
  return cells.map(cellOf).join(',')
}

function cellOf(cell: string | number): string {
  if (typeof cell === 'number') return String(cell)
  const isFormula = FORMULA.test(cell)
  const text = isFormula ? `'${cell}` : cell
  return isFormula || SPECIAL.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
