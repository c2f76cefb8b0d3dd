import { expect, it } from 'vitest'
import { ProgressBar } from './progress-bar.ts'

const screen = (isTTY: boolean) => {
  const written: string[] = []
  return { isTTY, written, write: (text: string) => void written.push(text) }
}

it('shows on a terminal how far it is, and takes the line away', () => {
  const shown = screen(true)
  let now = 0
  const bar = new ProgressBar(shown, () => now)
  bar.show()
  bar.begin(4_000_000)
  bar.add(1_000_000)
  now = 2000
  bar.show()
  bar[Symbol.dispose]()
  expect(shown.written).toEqual([
    '\r\u{1b}[Kwaiting',
    '\r\u{1b}[K[######..................] 25 % of 4.00 MB, 1.00 MB, 0.50 MB/s',
    '\r\u{1b}[K',
  ])
})

it('shows no part of what nobody knows', () => {
  const shown = screen(true)
  const bar = new ProgressBar(shown, () => 1000)
  bar.begin(undefined)
  bar.add(500)
  bar.show()
  bar[Symbol.dispose]()
  expect(shown.written[0]).not.toContain('%')
})

it('shows nothing anywhere else', () => {
  const file = screen(false)
  new ProgressBar(file)[Symbol.dispose]()
  expect(file.written).toEqual([])
})
