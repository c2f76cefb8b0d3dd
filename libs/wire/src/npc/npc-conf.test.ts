import { expect, test } from 'vitest'
import { readNpcConf, readNpsAccounts } from './npc-conf.ts'

test('sections are what they have in them', () => {
  const { conf, problems, unknown } = readNpcConf(`[common]
server_addr=192.0.2.1:8024
conn_type=tcp
vkey=123
auto_reconnection=true
max_conn=1000
crypt=1
compress=0
disconnect_timeout=60

[health_check_1]
health_check_timeout=1
health_check_max_failed=3
health_check_interval=10
health_http_url=/
health_check_type=http
health_check_target=127.0.0.1:8083,127.0.0.1:8082

[web]
host=c.o.com
target_addr=127.0.0.1:8083,127.0.0.1:8082
host_change=www.example
header_X-Any_Thing=a=b
location=/x

[tcp]
mode=tcp
target_addr=8006-8010,8012
server_port=9006-9010,9012
target_ip=10.0.0.7

[ssh secret]
mode=secret
password=ssh2
target_addr=:22
[secret_ssh]
local_port=2001
password=ssh2
[p2p_ssh]
local_port=2002
local_ip=127.0.0.1
password=p2p
target_addr=10.0.0.9:22
[secret_with_mode]
mode=secret
password=x
`)
  expect([problems, unknown]).toEqual([[], []])
  expect(conf.common).toEqual({
    serverAddr: '192.0.2.1:8024',
    connType: 'tcp',
    vkey: '123',
    autoReconnection: true,
    maxConn: 1000,
    crypt: true,
    compress: false,
    disconnectTimeout: 60,
  })
  expect(conf.healths).toEqual([
    {
      name: 'health_check_1',
      healthCheckTimeout: 1,
      healthCheckMaxFailed: 3,
      healthCheckInterval: 10,
      healthHttpUrl: '/',
      healthCheckType: 'http',
      healthCheckTarget: ['127.0.0.1:8083', '127.0.0.1:8082'],
    },
  ])
  expect(conf.hosts).toEqual([
    {
      name: 'web',
      host: 'c.o.com',
      targetAddr: ['127.0.0.1:8083', '127.0.0.1:8082'],
      hostChange: 'www.example',
      headers: [['X-Any_Thing', 'a=b']],
      location: '/x',
    },
  ])
  expect(conf.tunnels).toEqual([
    {
      name: 'tcp',
      mode: 'tcp',
      targetAddr: ['8006-8010', '8012'],
      serverPort: [
        { first: 9006, last: 9010 },
        { first: 9012, last: 9012 },
      ],
      targetIp: '10.0.0.7',
    },
    { name: 'ssh secret', mode: 'secret', password: 'ssh2', targetAddr: [':22'] },
    { name: 'secret_with_mode', mode: 'secret', password: 'x' },
  ])
  expect(conf.visitors).toEqual([
    { name: 'secret_ssh', type: 'secret', localPort: 2001, password: 'ssh2' },
    {
      name: 'p2p_ssh',
      type: 'p2p',
      localPort: 2002,
      localIp: '127.0.0.1',
      password: 'p2p',
      targetAddr: '10.0.0.9:22',
    },
  ])
})

test('a section twice, keys that nobody knows, and those in front of all sections', () => {
  const { problems, unknown } = readNpcConf(`vkey=1
[a]
mode=tcp
port=1
serverPort=1
[a]
mode=udp
server_port=x`)
  expect(problems).toEqual([
    { line: 6, message: 'a section that is there already' },
    { line: 8, message: 'server_port: no list of ports' },
  ])
  expect(unknown.map(({ key }) => key)).toEqual(['vkey', 'port', 'serverPort'])
})

test('names and passwords', () => {
  const { accounts, problems } = readNpsAccounts('# who\nada=pw\nbob = x=y\nnobody\n')
  expect(accounts).toEqual(
    new Map([
      ['ada', 'pw'],
      ['bob', 'x=y'],
    ]),
  )
  expect(problems).toEqual([{ line: 4, message: 'neither a section nor a key with a value' }])
})
