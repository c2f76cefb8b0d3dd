import { describe, expect, it } from 'vitest'
import { readUsageAnswer, readUsersAnswer } from './panel-answer.ts'

const bytes = (value: unknown): Uint8Array =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
const refused = { code: 'PANEL_REFUSED' }
const misshapen = { code: 'PANEL_FORMAT' }

describe('an answer with users', () => {
  it('of a panel of 2019 or 2020', () => {
    const row = { user_id: 1, port: 2345, password: 'x', enable: true, method: 'none', speed_limit: 0 }
    expect(readUsersAnswer(bytes({ users: [row] }))).toEqual({
      rows: [row],
      sharedPort: undefined,
      postTo: undefined,
      wantsBandwidth: false,
    })
  })

  it('of a panel of 2024', () => {
    const row = { user_id: 1, password: 'x', enable: true, method: 'aes-256-gcm', protocol: 'ss' }
    const inbounds = [
      { tag: 'api', port: 62_789, protocol: 'dokodemo-door' },
      { tag: 'ss_proxy', port: 10_051, protocol: 'shadowsocks', listen: '0.0.0.0' },
    ]
    const answer = {
      users: [row],
      xray_config: { inbounds },
      sync_traffic_endpoint: 'https://p.example/t',
      relay: 1,
    }
    expect(readUsersAnswer(bytes(answer))).toEqual({
      rows: [row],
      sharedPort: 10_051,
      postTo: 'https://p.example/t',
      wantsBandwidth: true,
    })
  })

  it.each([[{}], [{ inbounds: 7 }], [{ inbounds: [] }], [{ inbounds: [null, { protocol: 'shadowsocks' }] }]])(
    'without a port in %j',
    (xray) => {
      expect(readUsersAnswer(bytes({ users: [], xray_config: xray })).sharedPort).toBeUndefined()
    },
  )

  it('of a panel that does not know the node is an empty list', () => {
    expect(readUsersAnswer(bytes({ users: [] })).rows).toEqual([])
  })

  it.each([
    [{ msg: 'auth error' }, refused],
    [{ msg: 'something with a s3cret', users: null }, refused],
    [{}, misshapen],
    [[], misshapen],
    ['', misshapen],
    ['<html>', misshapen],
    ['{"users":[', misshapen],
  ])('is not %j', (answer, error) => {
    expect(() => readUsersAnswer(bytes(answer))).toThrow(expect.objectContaining(error))
    expect(() => readUsersAnswer(bytes(answer))).not.toThrow(/s3cret/)
  })
})

describe('an answer to usage', () => {
  it.each([[{ ret: 1, data: [] }], [{}], [{ ret: 1, msg: 'ok' }], ['ok'], [''], ['[]']])(
    'is yes: %j',
    (answer) => {
      expect(() => readUsageAnswer(bytes(answer))).not.toThrow()
    },
  )

  it.each([
    [{ msg: 'auth error' }, refused],
    [{ ret: 0 }, refused],
    ['<!doctype html>', misshapen],
    ['{"ret":1,"da', misshapen],
  ])('is not yes: %j', (answer, error) => {
    expect(() => readUsageAnswer(bytes(answer))).toThrow(expect.objectContaining(error))
  })
})
