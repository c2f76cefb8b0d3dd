import { expect, test } from 'vitest'
import { baseSchema, loadConfig } from './config.ts'
import { printConfig } from './config-text.ts'
import { sessionSchema } from './session-config.ts'
import { unasked } from './unasked.ts'

test('what is not asked for keeps its default, and is no flag', () => {
  const { sendProxyTo, dialMs } = sessionSchema.shape
  const schema = baseSchema().extend(unasked({ sendProxyTo, dialMs }))
  const loaded = loadConfig(schema, { argv: [], env: { SLUICE_DIAL_TIMEOUT: '1' } })
  expect(loaded.config).toMatchObject({ sendProxyTo: [], dialMs: 10_000 })
  expect(() => loadConfig(schema, { argv: ['--dial-timeout', '1'], env: {} })).toThrow('--dial-timeout')
  expect(printConfig(schema, loaded)).not.toContain('dial')
})
