import { readFileSync } from 'node:fs'
import { STATUS_CODES } from 'node:http'
import { NET_ERROR_CODES, NetError } from '@sluice/net'
import { QueueError, RATELIMIT_ERROR_CODES } from '@sluice/ratelimit'
import { WIRE_ERROR_CODES } from '@sluice/wire'
import { describe, expect, it } from 'vitest'
import { OUTCOMES, ServiceError, codeOf } from './errors.ts'
import type { Code } from './errors.ts'

const coded = (code: unknown): Error => Object.assign(new Error('made up'), { code })

const replies = (code: Code): number[] => [OUTCOMES[code].socks5, OUTCOMES[code].http]

function thrownBy(action: () => unknown): unknown {
  try {
    return action()
  } catch (error) {
    return error
  }
}

describe('OUTCOMES', () => {
  it('answers each code with a reply that exists', () => {
    for (const [code, { socks5, http, text }] of Object.entries(OUTCOMES)) {
      expect(code).toMatch(/^[A-Z][A-Z0-9_]+$/)
      expect(socks5).toBeLessThanOrEqual(8)
      expect(socks5 === 0, code).toBe(code === 'OK')
      expect(STATUS_CODES[http], code).toBeDefined()
      expect(http === 200, code).toBe(code === 'OK')
      expect(text, code).toMatch(/^[A-Z].*\.$/)
    }
  })

  it('names the limit wherever it says 429, and only there', () => {
    for (const [code, { http, limit }] of Object.entries(OUTCOMES)) {
      expect(limit !== undefined, code).toBe(http === 429)
    }
  })

  it('gives the replies of the RFCs to failed dials', () => {
    expect(replies('DIAL_REFUSED')).toEqual([5, 502])
    expect(replies('DIAL_UNREACHABLE_NETWORK')).toEqual([3, 502])
    expect(replies('DIAL_UNREACHABLE_HOST')).toEqual([4, 502])
    expect(replies('DIAL_NAME_UNKNOWN')).toEqual([4, 502])
    expect(replies('DIAL_TIMEOUT')).toEqual([4, 504])
    expect(replies('TARGET_DENIED')).toEqual([2, 403])
    expect(replies('COMMAND_UNSUPPORTED')[0]).toBe(7)
    expect(replies('ADDRESS_TYPE_UNSUPPORTED')[0]).toBe(8)
  })

  it('blames nobody but us at level error', () => {
    const ours = Object.entries(OUTCOMES).filter(([, { level }]) => level === 'error')
    expect(ours.map(([code]) => code)).toEqual(['INTERNAL'])
  })

  it('is docs/errors.md, row by row', () => {
    const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8')
    const documented = page
      .split('\n')
      .filter((line) => /^\| `[A-Z_]+` /.test(line))
      .map((line) =>
        line
          .split('|')
          .slice(1, 6)
          .map((cell) => cell.trim()),
      )
    const wanted = Object.entries(OUTCOMES).map(([code, { level, socks5, http, limit, text }]) => [
      `\`${code}\``,
      level,
      socks5.toString(16).padStart(2, '0').toUpperCase(),
      limit === undefined ? String(http) : `${http} \`${limit}\``,
      text,
    ])
    expect(documented).toEqual(wanted)
  })
})

describe('codeOf', () => {
  it.each([
    [new ServiceError('QUOTA_EXCEEDED'), 'QUOTA_EXCEEDED'],
    [coded('DIAL_REFUSED'), 'DIAL_REFUSED'],
    [coded('TARGET_DENIED'), 'TARGET_DENIED'],
    [coded('WIRE_TOO_LONG'), 'HANDSHAKE_TOO_LONG'],
    [coded('WIRE_ADDRESS_TYPE'), 'ADDRESS_TYPE_UNSUPPORTED'],
    [coded('WIRE_SYNTAX'), 'HANDSHAKE_INVALID'],
    [coded('WIRE_SEAL'), 'AUTH_FAILED'],
    [coded('WIRE_KEY'), 'AUTH_FAILED'],
    [coded('WIRE_CLOCK'), 'CLOCK_SKEW'],
    [new QueueError('QUEUE_FULL', 'no place', 1000), 'QUEUE_FULL'],
    [new QueueError('QUEUE_SHED', 'too long', 1000), 'OVERLOADED'],
    [coded('ECONNRESET'), 'CLIENT_RESET'],
    [coded('EPIPE'), 'CLIENT_RESET'],
    [{ code: 'USER_DISABLED' }, 'USER_DISABLED'],
    [{ code: 'TARGET_RESET' }, 'TARGET_RESET'],
    [new NetError('TARGET_RESET', 'it broke', { cause: coded('ECONNRESET') }), 'TARGET_RESET'],
    [new NetError('TARGET_RESET', 'it broke', { cause: new ServiceError('AGENT_LOST') }), 'AGENT_LOST'],
    [new NetError('CLIENT_RESET', 'it broke', { cause: new ServiceError('AGENT_LOST') }), 'CLIENT_RESET'],
  ])('reads %s as %s', (thrown, code) => {
    expect(codeOf(thrown)).toBe(code)
  })

  it('knows every code of the libraries that a session uses', () => {
    const codes = [...NET_ERROR_CODES, ...WIRE_ERROR_CODES, ...RATELIMIT_ERROR_CODES, 'AUTH_BUSY']
    expect(codes.filter((code) => codeOf(coded(code)) === 'INTERNAL')).toEqual([])
  })

  it('never blames a peer for a bug of ours', () => {
    const thrown = thrownBy(() => JSON.parse('{}').user.name)
    expect(thrown).toBeInstanceOf(TypeError)
    expect(codeOf(thrown)).toBe('INTERNAL')
    expect(OUTCOMES[codeOf(thrown)].level).toBe('error')
    expect(thrown).toHaveProperty('stack', expect.stringContaining('errors.test.ts'))
  })

  it.each([
    undefined,
    null,
    'DIAL_REFUSED',
    42,
    new RangeError('bad argument'),
    coded('ERR_INVALID_ARG_TYPE'),
    coded('STORE_BUSY'),
    coded('EACCES'),
    coded(7),
    coded('OK'),
    coded('toString'),
    coded('__proto__'),
    coded('constructor'),
  ])('reads %s as INTERNAL', (thrown) => {
    expect(codeOf(thrown)).toBe('INTERNAL')
  })
})

describe('ServiceError', () => {
  it('has its code, the text of the table and the cause', () => {
    const cause = new Error('deeper')
    const error = new ServiceError('USER_EXPIRED', undefined, { cause })
    expect(error).toMatchObject({
      name: 'ServiceError',
      code: 'USER_EXPIRED',
      message: OUTCOMES.USER_EXPIRED.text,
      cause,
    })
    expect(new ServiceError('INTERNAL', 'ledger: no batch 7').message).toBe('ledger: no batch 7')
  })
})
