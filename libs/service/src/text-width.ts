const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
/** What terminals draw over two columns: CJK, full-width forms, and pictures. */
const WIDE =
  /^[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]|\ufe0f/u
const PLAIN = /^[ -~]*$/
/** Control characters would act on the terminal, and those of Unicode turn the line around or hide. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu
/** The one of them that is part of pictures. */
const JOINER = '\u200d'

/** How many columns of a terminal a text takes. */
export const widthOf = (text: string): number => {
  if (PLAIN.test(text)) return text.length
  let width = 0
  for (const { segment } of GRAPHEMES.segment(text)) width += WIDE.test(segment) ? 2 : 1
  return width
}

/** The text in exactly `width` columns: padded, or cut with `…` as its end. What cannot be seen is shown as `?`. */
export const fitTo = (text: string, width: number, align: 'left' | 'right' = 'left'): string => {
  const seen = text.replaceAll(UNSEEN, (char) => (char === JOINER ? char : '?'))
  const cut = widthOf(seen) > width ? cutTo(seen, width) : seen
  const pad = ' '.repeat(width - widthOf(cut))
  return align === 'left' ? cut + pad : pad + cut
}

const cutTo = (text: string, width: number): string => {
  if (width < 1) return ''
  let cut = ''
  let left = width - 1
  for (const { segment } of GRAPHEMES.segment(text)) {
    left -= widthOf(segment)
    if (left < 0) break
    cut += segment
  }
  return `${cut}…`
}
