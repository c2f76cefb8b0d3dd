import { afterAll, beforeAll, expect, test } from 'vitest'
import { BODY, deadPort, httpOrigin, type Origin } from './origin.ts'
import { type Ended, run } from './process.ts'
import { PYTHON } from './programs.ts'
import { Sluice } from './sluice.ts'

const PASSWORD = 'pä ss:word%'
let sluice: Sluice
let origin: Origin

beforeAll(async () => {
  origin = await httpOrigin()
  sluice = await Sluice.start()
  await sluice.add('py', PASSWORD)
})
afterAll(async () => {
  await sluice[Symbol.asyncDispose]()
  origin[Symbol.dispose]()
})

const python = (code: string, ...argv: string[]): Promise<Ended> => run(PYTHON, ['-c', code, ...argv])

/** argv: proxy host, port, whether it resolves the name, password, target host, port. */
const PYSOCKS = `
import socks, sys
host, port, rdns, password, target, target_port = sys.argv[1:]
s = socks.socksocket()
s.set_proxy(socks.SOCKS5, host, int(port), rdns == 'rdns', 'py', password)
s.settimeout(20)
try:
    s.connect((target, int(target_port)))
except socks.ProxyError as error:
    sys.exit(str(error))
s.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n')
while chunk := s.recv(65536):
    sys.stdout.buffer.write(chunk)
`
const pysocks = (rdns: string, password: string, host: string, port = origin.port): Promise<Ended> =>
  python(PYSOCKS, ...sluice.socks.split(':'), rdns, password, host, String(port))

test.each([
  ['rdns', 'localhost'],
  ['rdns', '127.0.0.1'],
  ['local', 'localhost'],
])('PySocks downloads: %s, %s', async (rdns, host) => {
  const { stdout, stderr } = await pysocks(rdns, PASSWORD, host)
  expect(stderr).toBe('')
  expect(stdout.subarray(-BODY.length).equals(BODY)).toBe(true)
})

test('PySocks is told what is wrong', async () => {
  expect((await pysocks('rdns', 'wrong', 'localhost')).stderr).toContain('SOCKS5 authentication failed')
  expect((await pysocks('rdns', PASSWORD, '127.0.0.1', await deadPort())).stderr).toContain(
    '0x05: Connection refused',
  )
  expect((await pysocks('rdns', PASSWORD, '10.0.0.1')).stderr).toContain(
    '0x02: Connection not allowed by ruleset',
  )
  expect((await pysocks('rdns', PASSWORD, 'nobody.invalid')).stderr).toContain('0x04: Host unreachable')
})

/** argv: proxy host, port, password, target port. */
const HTTP_CLIENT = `
import base64, http.client, sys
host, port, password, target_port = sys.argv[1:]
login = base64.b64encode(b'py:' + password.encode()).decode()
c = http.client.HTTPConnection(host, int(port), timeout=20)
c.set_tunnel('127.0.0.1', int(target_port), {'Proxy-Authorization': 'Basic ' + login})
try:
    c.request('GET', '/')
except OSError as error:
    sys.exit(str(error))
sys.stdout.buffer.write(c.getresponse().read())
`

test('http.client tunnels, over HTTP/1.0 before Python 3.12 and over 1.1 since', async () => {
  const { stdout, stderr } = await python(
    HTTP_CLIENT,
    ...sluice.http.split(':'),
    PASSWORD,
    String(origin.port),
  )
  expect(stderr).toBe('')
  expect(stdout.equals(BODY)).toBe(true)
})
