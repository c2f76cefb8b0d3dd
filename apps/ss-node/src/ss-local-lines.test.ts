import { execFileSync } from 'node:child_process'
import { parseSsUri } from '@sluice/wire/shadowsocks'
import { expect, test } from 'vitest'
import { ssLocalLines } from './ss-local-lines.ts'

const SERVER = { method: 'aes-256-gcm', address: { host: '192.0.2.1', port: 8388 }, tag: 'demo' }

test('a URI, the client, and who uses it', () => {
  const [uri = '', client, curl] = ssLocalLines({ ...SERVER, secret: 'hello' })
  expect(parseSsUri(uri)).toEqual({ ...SERVER, secret: 'hello' })
  expect(client).toBe('ss-local -s 192.0.2.1 -p 8388 -m aes-256-gcm -k hello -l 1080 -u')
  expect(curl).toBe("curl --proxy 'socks5h://127.0.0.1:1080' https://example.com/")
})

test.each(["it's", '$HOME `id` "x" \\', '-n', ' ', 'a\nb'])(
  'a shell hands over the secret %j as it is',
  (secret) => {
    const [, client = ''] = ssLocalLines({ ...SERVER, secret })
    const script = client.replace('ss-local', 'printf "%s\\0"')
    const words = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0')
    expect(words[words.indexOf('-k') + 1]).toBe(secret)
  },
)
