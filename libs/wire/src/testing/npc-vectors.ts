// Bytes worked out by hand from the layout, never by the encoders that they are compared with.
import type {
  NpcConfRequest,
  NpcFrame,
  NpcHello,
  NpcLink,
  NpcMeeting,
  NpcPurpose,
  NpcReport,
  NpcSignal,
  NpsClient,
  NpsHost,
  NpsTunnel,
} from '../npc/index.ts'
import { hex } from './hex.ts'

/** Bytes as spaced hex, beside their value. */
export type Known<T> = readonly (readonly [bytes: string, value: T])[]

/** The MD5 of `0.26.0`, of `123` and of nothing. */
const CORE_MD5 = '89a4f3fc3c89257d6f712de6964bda8e'
export const KEY_MD5: string = '202cb962ac59075b964b07152d234b70'
const EMPTY_MD5 = 'd41d8cd98f00b204e9800998ecf8427e'

export const hellos: Known<NpcHello> = [
  [
    '54 53 54 06 00 00 00 30 2e 32 36 2e 30 07 00 00 00 30 2e 32 36 2e 31 30',
    { core: '0.26.0', release: '0.26.10' },
  ],
  ['"TST" 00 00 00 00 00 00 00 00', { core: '', release: '' }],
  [`"TST" 80 00 00 00 "${'a'.repeat(128)}" 02 00 00 00 c3 a9`, { core: 'a'.repeat(128), release: 'é' }],
]

export const md5s: Known<string> = [
  [`"${CORE_MD5}"`, CORE_MD5],
  [`"${KEY_MD5}"`, KEY_MD5],
]

export const verdicts: Known<boolean> = [
  ['73 75 63 73', true],
  ['76 6b 65 79', false],
]

export const purposes: Known<NpcPurpose> = [
  ['6d 61 69 6e', { type: 'main' }],
  ['"chan"', { type: 'chan' }],
  ['"file"', { type: 'file' }],
  ['"conf"', { type: 'conf' }],
  ['72 67 73 74 18 00 00 00', { type: 'register', hours: 24 }],
  ['"rgst" ff ff ff 7f', { type: 'register', hours: 2_147_483_647 }],
  [`"sert" "${KEY_MD5}"`, { type: 'secret', passwordMd5: KEY_MD5 }],
  [`"p2pm" "${EMPTY_MD5}"`, { type: 'p2p', passwordMd5: EMPTY_MD5 }],
]

export const signals: Known<NpcSignal> = [
  ['72 6c 69 70', { type: 'localIp' }],
  [
    `75 64 70 63 0e 00 00 00 "192.0.2.1:6000" 20 00 00 00 "${KEY_MD5}"`,
    { type: 'p2p', server: '192.0.2.1:6000', passwordMd5: KEY_MD5 },
  ],
]

export const reports: Known<NpcReport> = [
  ['13 00 00 00 "127.0.0.1:80*#*1*#*"', { type: 'health', target: '127.0.0.1:80', isUp: true }],
  ['0f 00 00 00 "[::1]:80*#*0*#*"', { type: 'health', target: '[::1]:80', isUp: false }],
  ['08 00 00 00 "10.0.0.5"', { type: 'text', text: '10.0.0.5' }],
  ['00 00 00 00', { type: 'text', text: '' }],
]

export const npcFrames: Known<NpcFrame> = [
  ['06 01 00 00 00', { type: 'open', id: 1 }],
  ['01 04 03 02 01', { type: 'opened', id: 0x01020304 }],
  ['02 ff ff ff 7f', { type: 'refused', id: 2_147_483_647 }],
  ['07 00 01 00 00', { type: 'close', id: 256 }],
  ['03 01 00 00 00 05 00 68 65 6c 6c 6f', { type: 'data', id: 1, payload: hex('"hello"'), isEnd: true }],
  ['04 02 00 00 00 01 00 61', { type: 'data', id: 2, payload: hex('61'), isEnd: false }],
  [
    `03 01 00 00 00 f5 0f "${'x'.repeat(4085)}"`,
    { type: 'data', id: 1, payload: hex(`"${'x'.repeat(4085)}"`), isEnd: true },
  ],
  ['05 01 00 00 00 03 00 00 00 b6 de 01 00', { type: 'window', id: 1, read: 3, max: 122_550 }],
  [
    '05 07 00 00 00 ff ff ff 7f ff ff ff 7f',
    { type: 'window', id: 7, read: 2_147_483_647, max: 2_147_483_647 },
  ],
  [
    '00 ff ff ff ff 1e 00 "2026-11-21T20:00:00.123456789Z"',
    { type: 'ping', opaque: hex('"2026-11-21T20:00:00.123456789Z"') },
  ],
  ['08 ff ff ff ff 01 00 5a', { type: 'pong', opaque: hex('5a') }],
]

export const links: Known<NpcLink> = [
  [
    String.raw`98 00 00 00 "{\"ConnType\":\"tcp\",\"Host\":\"127.0.0.1:80\",\"Crypt\":false,\"Compress\":false,\"LocalProxy\":false,\"RemoteAddr\":\"192.0.2.7:5000\",\"Option\":{\"Timeout\":5000000000}}"`,
    {
      type: 'tcp',
      host: '127.0.0.1:80',
      crypt: false,
      compress: false,
      localProxy: false,
      remote: '192.0.2.7:5000',
      timeoutMs: 5000,
      proxyVersion: '',
    },
  ],
  [
    String.raw`87 00 00 00 "{\"ConnType\":\"udp5\",\"Host\":\"\",\"Crypt\":true,\"Compress\":true,\"LocalProxy\":true,\"RemoteAddr\":\"\",\"Option\":{\"Timeout\":1},\"ProtoVersion\":\"V2\"}"`,
    {
      type: 'udp5',
      host: '',
      crypt: true,
      compress: true,
      localProxy: true,
      remote: '',
      timeoutMs: 0.000_001,
      proxyVersion: 'V2',
    },
  ],
]

export const udp5s: Known<Uint8Array> = [
  ['0d 00 00 00 00 00 00 01 c0 00 02 01 00 35 61 62 63', hex('00 00 00 01 c0 00 02 01 00 35 "abc"')],
  ['0a 00 00 00 00 00 00 01 00 00 00 00 00 35', hex('00 00 00 01 00 00 00 00 00 35')],
]

export const meetings: Known<NpcMeeting> = [
  [`"${KEY_MD5}" 2a 23 2a 70 32 70 76 2a 23 2a`, { passwordMd5: KEY_MD5, role: 'visitor' }],
  [`"${KEY_MD5}" "*#*p2pp*#*"`, { passwordMd5: KEY_MD5, role: 'provider' }],
]

export const meetingPoints: Known<string> = [
  ['0e 00 00 00 "192.0.2.1:6000"', '192.0.2.1:6000'],
  ['00 00 00 00', ''],
]

export const booleans: Known<boolean> = [
  ['00', false],
  ['01', true],
]

export const keys: Known<string> = [['61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70', 'abcdefghijklmnop']]

export const statuses: Known<readonly string[]> = [
  ['0c 00 00 00 "web*#*tcp*#*"', ['web', 'tcp']],
  ['00 00 00 00', []],
]

const flow = { ExportFlow: 0, InletFlow: 0, FlowLimit: 0 }

export const exampleClient: NpsClient = {
  Id: 0,
  Cnf: { U: 'u', P: 'p', Compress: true, Crypt: false },
  VerifyKey: '',
  Remark: 'box',
  Status: true,
  RateLimit: 0,
  Flow: { ...flow, FlowLimit: 10 },
  NoStore: true,
  NoDisplay: true,
  MaxConn: 5,
  MaxTunnelNum: 0,
  WebUserName: '',
  WebPassword: '',
  ConfigConnAllow: false,
  BlackIpList: [],
  IpWhite: false,
  IpWhitePass: '',
  IpWhiteList: [],
  CreateTime: '',
  ExpireTime: '',
}

export const exampleHost: NpsHost = {
  Id: 1,
  Host: 'a.example',
  HeaderChange: 'X-A:b',
  HostChange: '',
  Location: '/',
  Remark: 'web',
  Scheme: 'all',
  CertFilePath: '',
  KeyFilePath: '',
  NoStore: false,
  IsClose: false,
  Flow: { ExportFlow: 3, InletFlow: 2, FlowLimit: 0 },
  Client: { Id: 2 },
  Target: { TargetStr: '127.0.0.1:8080', TargetArr: ['127.0.0.1:8080'], LocalProxy: false },
  AutoHttps: false,
}

export const exampleTunnel: NpsTunnel = {
  Id: 0,
  Port: 0,
  Ports: '9006-9010',
  ServerIp: '',
  Mode: 'tcp',
  Status: false,
  Client: { Id: 0 },
  Flow: flow,
  Password: '',
  Remark: 'tcp',
  TargetAddr: '10.0.0.1',
  NoStore: false,
  LocalPath: '',
  StripPre: '',
  Target: { TargetStr: '8006-8010', TargetArr: [], LocalProxy: false },
  MultiAccount: { AccountMap: new Map([['ada', 'pw']]) },
  HealthCheckTimeout: 0,
  HealthMaxFail: 0,
  HealthCheckInterval: 0,
  HttpHealthUrl: '',
  HealthCheckType: '',
  HealthCheckTarget: '',
  ProtoVersion: '',
}

export const confRequests: Known<NpcConfRequest> = [
  [
    String.raw`63 6f 6e 66 87 01 00 00 "{\"Id\":0,\"Cnf\":{\"U\":\"u\",\"P\":\"p\",\"Compress\":true,\"Crypt\":false},\"VerifyKey\":\"\",\"Remark\":\"box\",\"Status\":true,\"RateLimit\":0,\"Flow\":{\"ExportFlow\":0,\"InletFlow\":0,\"FlowLimit\":10},\"NoStore\":true,\"NoDisplay\":true,\"MaxConn\":5,\"MaxTunnelNum\":0,\"WebUserName\":\"\",\"WebPassword\":\"\",\"ConfigConnAllow\":false,\"BlackIpList\":[],\"IpWhite\":false,\"IpWhitePass\":\"\",\"IpWhiteList\":[],\"CreateTime\":\"\",\"ExpireTime\":\"\"}"`,
    { type: 'client', client: exampleClient },
  ],
  [
    String.raw`68 6f 73 74 64 01 00 00 "{\"Id\":1,\"Host\":\"a.example\",\"HeaderChange\":\"X-A:b\",\"HostChange\":\"\",\"Location\":\"/\",\"Remark\":\"web\",\"Scheme\":\"all\",\"CertFilePath\":\"\",\"KeyFilePath\":\"\",\"NoStore\":false,\"IsClose\":false,\"Flow\":{\"ExportFlow\":3,\"InletFlow\":2,\"FlowLimit\":0},\"Client\":{\"Id\":2},\"Target\":{\"TargetStr\":\"127.0.0.1:8080\",\"TargetArr\":[\"127.0.0.1:8080\"],\"LocalProxy\":false},\"AutoHttps\":false}"`,
    { type: 'host', host: exampleHost },
  ],
  [
    String.raw`74 61 73 6b f9 01 00 00 "{\"Id\":0,\"Port\":0,\"Ports\":\"9006-9010\",\"ServerIp\":\"\",\"Mode\":\"tcp\",\"Status\":false,\"Client\":{\"Id\":0},\"Flow\":{\"ExportFlow\":0,\"InletFlow\":0,\"FlowLimit\":0},\"Password\":\"\",\"Remark\":\"tcp\",\"TargetAddr\":\"10.0.0.1\",\"NoStore\":false,\"LocalPath\":\"\",\"StripPre\":\"\",\"Target\":{\"TargetStr\":\"8006-8010\",\"TargetArr\":[],\"LocalProxy\":false},\"MultiAccount\":{\"AccountMap\":{\"ada\":\"pw\"}},\"HealthCheckTimeout\":0,\"HealthMaxFail\":0,\"HealthCheckInterval\":0,\"HttpHealthUrl\":\"\",\"HealthCheckType\":\"\",\"HealthCheckTarget\":\"\",\"ProtoVersion\":\"\"}"`,
    { type: 'task', tunnel: exampleTunnel },
  ],
  [`73 74 75 73 "${KEY_MD5}"`, { type: 'status', keyMd5: KEY_MD5 }],
]

/** With keys that nobody knows here, and without most of the others. */
export const strangeClient: string = String.raw`"conf" 73 00 00 00 "{\"Cnf\":null,\"Id\":0,\"VerifyKey\":\"k\",\"Addr\":\"\",\"RateLimit\":0,\"Flow\":null,\"Rate\":null,\"NowConn\":0,\"Version\":\"0.26.10\"}"`
