import { expect, it } from 'vitest'
import { ssDocument } from './ss-document.ts'

const server = {
  id: '27b8a625-4f4b-4428-9f0f-8a2317db7c79',
  method: 'aes-256-gcm',
  secret: 'pä"ss',
  address: { host: '2001:db8::1', port: 8388 },
}
const entry = {
  id: server.id,
  remarks: '',
  server: '2001:db8::1',
  server_port: 8388,
  password: 'pä"ss',
  method: 'aes-256-gcm',
}

it('has what SIP008 asks for, and no more', () => {
  expect(ssDocument({ servers: [server] })).toEqual({ version: 1, servers: [entry] })
  expect(ssDocument({ servers: [] })).toEqual({ version: 1, servers: [] })
})

it('has a name and a plugin where there are', () => {
  const plugin = { name: 'obfs-local', options: 'obfs=http' }
  expect(ssDocument({ servers: [{ ...server, tag: 'Home', plugin }] }).servers).toEqual([
    { ...entry, remarks: 'Home', plugin: 'obfs-local', plugin_opts: 'obfs=http' },
  ])
})

it.each([
  [{ used: 5 }, { bytes_used: 5 }],
  [
    { used: 5, remaining: 10 },
    { bytes_used: 5, bytes_remaining: 10 },
  ],
  [
    { used: 5, remaining: -3 },
    { bytes_used: 5, bytes_remaining: 0 },
  ],
  [{ remaining: 10 }, {}],
])('says of %o what it may', (usage, said) => {
  expect(ssDocument({ servers: [], ...usage })).toEqual({ version: 1, servers: [], ...said })
})
