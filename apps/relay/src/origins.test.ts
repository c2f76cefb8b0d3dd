import { expect, it } from 'vitest'
import { mayCome } from './origins.ts'

it('lets pages of this machine come, those that are listed, and any where all are', () => {
  for (const [listed, origin, wanted] of [
    [[], 'http://localhost:8080', true],
    [[], 'http://127.0.0.1', true],
    [[], 'http://[::1]:3000', true],
    [[], 'https://example.org', false],
    [[], 'https://localhost.example.org', false],
    [[], 'null', false],
    [[], '', false],
    [['https://example.org'], 'https://example.org', true],
    [['https://example.org'], 'https://example.org:444', false],
    [['*'], 'null', true],
  ] as const) {
    expect(mayCome(listed)(origin), `${listed.join(' ')} ${origin}`).toBe(wanted)
  }
})
