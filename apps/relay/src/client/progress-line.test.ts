import { expect, it } from 'vitest'
import { ProgressLine } from './progress-line.ts'

const screen = (isTTY: boolean) => {
  const written: string[] = []
  return { isTTY, written, write: (text: string) => void written.push(text) }
}

it('shows circuits and rates on a terminal, and takes the line away', () => {
  const shown = screen(true)
  const traffic = { open: 1, up: 500_000, down: 0 }
  const line = new ProgressLine(shown, traffic)
  line.show(1000)
  Object.assign(traffic, { open: 2, up: 500_000, down: 3_000_000 })
  line.show(1000)
  line[Symbol.dispose]()
  expect(shown.written).toEqual([
    '\r\u{1b}[K1 circuit, up 0.50 MB/s, down 0.00 MB/s',
    '\r\u{1b}[K2 circuits, up 0.00 MB/s, down 3.00 MB/s',
    '\r\u{1b}[K',
  ])
})

it('shows nothing anywhere else', () => {
  const file = screen(false)
  new ProgressLine(file, { open: 0, up: 0, down: 0 })[Symbol.dispose]()
  expect(file.written).toEqual([])
})
