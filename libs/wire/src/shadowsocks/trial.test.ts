import { describe, expect, it } from 'vitest'
import { hex } from '../testing/hex.ts'
import { countUp, keyOf } from '../testing/ss-codecs.ts'
import { encodeSsRequest } from './encode-request.ts'
import { SS_METHOD_NAMES, ssMethod } from './method.ts'
import { trial, trialBytes } from './trial.ts'

const target = { host: 'a', port: 80 }
const requestOf = (name: string): Uint8Array => {
  const key = keyOf(name)
  return encodeSsRequest(key, countUp(key.method.saltBytes), { target, padding: 1 }).bytes
}

describe('a trial', () => {
  it.each(SS_METHOD_NAMES)('of %s needs its bytes and no more', (name) => {
    const key = keyOf(name)
    const needed = trialBytes(key.method)
    const head = requestOf(name).subarray(0, needed)
    expect(head).toHaveLength(needed)
    expect(trial(key, head)).toBe(true)
    for (let end = 0; end < needed; end++) expect(trial(key, head.subarray(0, end))).toBe(false)
  })

  it.each(SS_METHOD_NAMES.filter((name) => ssMethod(name)!.tagBytes > 0))('of %s fails', (name) => {
    const key = keyOf(name)
    const head = requestOf(name).subarray(0, trialBytes(key.method))
    expect(trial({ method: key.method, bytes: countUp(key.method.keyBytes, 1) }, head)).toBe(false)
    for (let at = 0; at < head.length; at++) {
      const changed = Uint8Array.from(head)
      changed[at]! ^= 4
      expect(trial(key, changed)).toBe(false)
    }
  })

  it('of a method without tags wants an address', () => {
    expect(trial(keyOf('none'), hex('03 01 "a" 00 50'))).toBe(true)
    expect(trial(keyOf('none'), hex('"GET / HTTP/1.1"'))).toBe(false)
    expect(trial(keyOf('none'), hex('03 01 00 00 50'))).toBe(false)
  })

  it('finds the header behind that of an identity', () => {
    const [server, user] = [keyOf('2022-blake3-aes-128-gcm'), keyOf('2022-blake3-aes-128-gcm', 0x40)]
    const parts = { target, padding: 1, identity: [server] }
    const { bytes } = encodeSsRequest(user, countUp(16), parts)
    const head = bytes.subarray(0, trialBytes(user.method, { identity: true }))
    expect(head).toHaveLength(16 + 16 + 27)
    expect(trial(user, head, { identity: true })).toBe(true)
    expect(trial(server, head, { identity: true })).toBe(false)
    expect(trial(user, head)).toBe(false)
  })
})
