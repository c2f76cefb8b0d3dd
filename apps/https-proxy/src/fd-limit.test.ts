import { describe, expect, it } from 'vitest'
import { fittingConnections, parseFdLimit, readFdLimit } from './fd-limit.ts'

const limits = (soft: string): string =>
  [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max processes             95936                95936                processes ',
    `Max open files            ${soft.padEnd(20)} 20000                files     `,
    'Max locked memory         8388608              8388608              bytes     ',
  ].join('\n')

describe('the limit of open files', () => {
  it.each([
    [limits('20000'), 20_000],
    [limits('unlimited'), Infinity],
    ['', undefined],
    ['Max open files            many', undefined],
  ])('is read', (text, limit) => {
    expect(parseFdLimit(text)).toBe(limit)
  })

  it.runIf(process.platform === 'linux')('is there', () => {
    expect(readFdLimit()).toBeGreaterThan(16)
  })

  it.each([
    [10_000, 100, 20_000, 10_000],
    [100_000, 500, 20_000, 18_744],
    [100_000, 500, Infinity, 100_000],
    [100_000, 500, undefined, 100_000],
    [100_000, 500, 64, 1],
  ])('%i connections and %i slots in %s files: %i', (maxConnections, slots, limit, fitting) => {
    expect(fittingConnections({ maxConnections, slots }, limit)).toBe(fitting)
  })
})
