import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RemoteError } from '../remote/remote-error.ts'
import { readCommand } from './command.ts'

const read = (text: string) => readCommand(Buffer.from(text), 'chacha20-ietf-poly1305')
const ADD = { name: 'add', port: 8001, password: '7cd308cc059', method: 'chacha20-ietf-poly1305' }

describe('commands', () => {
  it.each([
    ['add: {"server_port":8001,"password":"7cd308cc059"}', ADD],
    ['add: {"server_port": "8001", "password":"7cd308cc059"}', ADD],
    ['add:{"server_port":8001,"password":"7cd308cc059"}\n', ADD],
    ['add: {"server_port":8001,"password":"7cd308cc059","mode":"tcp_and_udp","plugin":"","users":[]}', ADD],
    [
      'add: {"server_port":8001,"password":"x","method":"aes-256-gcm","no_delay":true}\0',
      { ...ADD, password: 'x', method: 'aes-256-gcm' },
    ],
    ['remove: {"server_port":8001}', { name: 'remove', port: 8001 }],
    ['remove: {"server_port":"8001"}', { name: 'remove', port: 8001 }],
    ['ping', { name: 'ping' }],
    [' ping\n', { name: 'ping' }],
    ['ping: {}', { name: 'ping' }],
    ['list', { name: 'list' }],
  ])('%j', (text, command) => {
    expect(read(text)).toEqual(command)
  })

  it.each(['', 'nonsense', 'pings', 'stat: {"8001":1}', `list${' '.repeat(4096)}`])('%j is none', (text) => {
    expect(read(text)).toBeUndefined()
  })

  it.each([
    'add',
    'add: {',
    'add: []',
    'add: null',
    'add: {"server_port":8001}',
    'add: {"server_port":8001,"password":7}',
    'add: {"server_port":8001,"password":""}',
    'add: {"password":"hush"}',
    'add: {"server_port":0,"password":"hush"}',
    'add: {"server_port":65536,"password":"hush"}',
    'add: {"server_port":80.5,"password":"hush"}',
    'add: {"server_port":"8e3","password":"hush"}',
    'add: {"server_port":8001,"password":"hush","method":"rc4-md5"}',
    'add: {"server_port":8001,"password":"hush","method":"2022-blake3-aes-128-gcm"}',
    'add: {"server_port":8001,"password":"hush","plugin":"obfs-server"}',
    'add: {"server_port":8001,"password":"hush","users":[{"name":"a","password":"b"}]}',
    'remove: {}',
    'remove',
  ])('%j cannot be', (text) => {
    expect(() => read(text)).toThrow(RemoteError)
    expect(() => read(text)).not.toThrow(/hush/)
  })
})

it('any bytes are a command, none, or refused', () => {
  const texts = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.string().map((text) => Buffer.from(`add: ${text}`)),
    fc.json().map((text) => Buffer.from(`remove: ${text}`)),
  )
  fc.assert(
    fc.property(texts, (bytes) => {
      try {
        expect(readCommand(bytes, 'aes-256-gcm')?.name ?? 'none').toMatch(/^(add|remove|list|ping|none)$/)
      } catch (error) {
        expect(error).toBeInstanceOf(RemoteError)
      }
    }),
  )
})
