import { expect, test } from 'vitest'
import { RELAY_STATUS, relayStatusName } from './status.ts'

test('every status is one octet of its own, and has its name', () => {
  const all = Object.entries(RELAY_STATUS)
  expect(new Set(all.map(([, status]) => status)).size).toBe(all.length)
  for (const [name, status] of all) {
    expect(status).toBeGreaterThanOrEqual(0)
    expect(status).toBeLessThanOrEqual(255)
    expect(relayStatusName(status)).toBe(name)
  }
  expect(relayStatusName(200)).toBe('STATUS_200')
})
