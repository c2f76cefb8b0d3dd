import { expect, test } from 'vitest'
import { csvLine } from './csv.ts'

test.each([
  [['ada', 1, 2 ** 53], 'ada,1,9007199254740992'],
  [['a,b', 'a"b', 'a\r\nb'], '"a,b","a""b","a\r\nb"'],
  [['=1+1', '+1', '-1', '@SUM(A1)'], `"'=1+1","'+1","'-1","'@SUM(A1)"`],
  [['=a"b'], `"'=a""b"`],
  [['a=1', 'ü', '', -1], 'a=1,ü,,-1'],
])('%j is %s', (cells, line) => {
  expect(csvLine(cells)).toBe(line)
})
