import { expect, test } from 'vitest'
import { readNpsConf } from './nps-conf.ts'

test('the keys that are known, each as what it is', () => {
  const { conf, problems, unknown } = readNpsConf(`\uFEFFappname = nps
#bridge_port=1
; also a comment
HTTP_proxy_port=80\r
https_just_proxy=true
bridge_port = 8024
public_vkey="12 3"
flow_store_interval=1
log_path=
allow_ports=9001-9009,10001, 11000-12000
web_open_ssl=off
p2p_ip=127.0.0.1
auth_key=a=b
[pprof]
pprof_port=9999
`)
  expect(conf).toEqual({
    appname: 'nps',
    httpProxyPort: 80,
    httpsJustProxy: true,
    bridgePort: 8024,
    publicVkey: '12 3',
    flowStoreInterval: 1,
    allowPorts: [
      { first: 9001, last: 9009 },
      { first: 10_001, last: 10_001 },
      { first: 11_000, last: 12_000 },
    ],
    webOpenSsl: false,
    p2pIp: '127.0.0.1',
    authKey: 'a=b',
    pprofPort: 9999,
  })
  expect([problems, unknown]).toEqual([[], []])
})

test('every problem is listed with its line, without the value', () => {
  const { conf, problems, unknown } = readNpsConf(`bridge_port=s3cret
web_port=65536
ip_limit=perhaps
allow_ports=9-8
allow_ports=1-2-3
log_level=-1
s3cret
=s3cret
web_password={{.S3CRET}}
my_own=1
bridge_port=8024
__proto__=1
bridge__port=1`)
  expect(conf).toEqual({ bridgePort: 8024 })
  expect(problems).toEqual([
    { line: 7, message: 'neither a section nor a key with a value' },
    { line: 8, message: 'neither a section nor a key with a value' },
    { line: 1, message: 'bridge_port: no port' },
    { line: 2, message: 'web_port: no port' },
    { line: 3, message: 'ip_limit: neither true nor false' },
    { line: 4, message: 'allow_ports: no list of ports' },
    { line: 5, message: 'allow_ports: no list of ports' },
    { line: 6, message: 'log_level: no whole number' },
    { line: 9, message: 'web_password: a template that nobody has filled in' },
  ])
  expect(unknown.map(({ key, line }) => [key, line])).toEqual([
    ['my_own', 10],
    ['__proto__', 12],
    ['bridge__port', 13],
  ])
})

test('a file that is too long is not read', () => {
  expect(readNpsConf(`bridge_port=1\n${'#'.repeat(1024 * 1024)}`)).toMatchObject({
    conf: {},
    problems: [{ line: 1 }],
  })
})
