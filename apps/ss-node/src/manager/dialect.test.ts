import { describe, expect, it } from 'vitest'
import { DIALECTS, pushes } from './dialect.ts'

const first = { port: 8001, password: 'a', method: 'aes-256-gcm', bytes: 11_370 }
const second = { port: 8002, password: '"\n', method: 'none', bytes: 0 }
const many = Array.from({ length: 1000 }, (_, i) => ({ ...first, port: 20_000 + i }))
const { libev, rust, python } = DIALECTS

describe('libev', () => {
  it('lists ports as texts, over several lines', () => {
    expect(libev.list([])).toEqual(['[\n]'])
    expect(libev.list([first, second])).toEqual([
      '[\n\t{"server_port":"8001","password":"a","method":"aes-256-gcm"},' +
        '\n\t{"server_port":"8002","password":"\\"\\n","method":"none"}\n]',
    ])
  })

  it('goes on in the next datagram', () => {
    const texts = libev.list(many)
    expect(texts.length).toBeGreaterThan(5)
    expect(Math.max(...texts.map((text) => text.length))).toBeLessThanOrEqual(8192)
    expect(JSON.parse(texts.join(''))).toHaveLength(1000)
  })

  it('tells traffic', () => {
    expect(libev.ping([])).toEqual(['stat: {}'])
    expect(libev.ping([first, second])).toEqual(['stat: {"8001":11370,"8002":0}'])
  })

  it('tells why not, but for little', () => {
    expect(libev.failed({ code: 'INVALID', message: 'm' })).toBe('err')
    expect(libev.failed({ code: 'TAKEN', message: 'm' })).toBe('port is not available')
  })
})

describe('rust', () => {
  it('lists configurations', () => {
    expect(rust.list([])).toEqual(['[]'])
    expect(rust.list([first])).toEqual([
      '[{"server_port":8001,"password":"a","method":"aes-256-gcm","mode":"tcp_and_udp"}]',
    ])
    const texts = rust.list(many)
    expect(texts.flatMap((text) => JSON.parse(text) as unknown[])).toHaveLength(1000)
  })

  it('tells traffic, in several datagrams where it takes them', () => {
    const texts = rust.ping(many.concat(many.map((each) => ({ ...each, port: each.port + 1000 }))))
    expect(texts.length).toBeGreaterThan(1)
    const all = texts.flatMap((text) => Object.entries(JSON.parse(text.slice('stat: '.length)) as object))
    expect(all).toHaveLength(2000)
    expect(all[1999]).toEqual(['21999', 11_370])
  })

  it('says why not', () => {
    expect(rust.failed({ code: 'INVALID', message: 'port: wanted one' })).toBe('port: wanted one')
  })
})

describe('python', () => {
  it('knows ports, and says pong', () => {
    expect(python.list([first, second])).toEqual(['ports: [8001, 8002]'])
    expect(python.ping([first])).toEqual(['pong'])
    expect(python.failed({ code: 'INVALID', message: 'm' })).toBeUndefined()
  })

  it('pushes what has moved, 50 ports at a time', () => {
    expect(pushes([first, second])).toEqual(['stat: {"8001":11370}'])
    expect(pushes([second])).toEqual([])
    const texts = pushes(many)
    expect(texts).toHaveLength(20)
    expect(Object.keys(JSON.parse(texts[0]!.slice(6)) as object)).toHaveLength(50)
  })
})
