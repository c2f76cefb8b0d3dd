import { address, ConfigError, type ConfigSchema, text, textType, wholeNumber } from '@sluice/service'
import { type Address, parseHost } from '@sluice/wire'
import { ssMethod } from '@sluice/wire/shadowsocks'
import { z } from 'zod'
import { MANAGER_DIALECTS, type ManagerDialect } from '../manager/dialect.ts'
import { isToken, TOKEN_FORM } from './bearer.ts'

/** How users may be managed from elsewhere. */
export interface RemoteConfig {
  grpcHost: string | undefined
  grpcPort: number | undefined
  grpcToken: string | undefined
  grpcCert: string | undefined
  grpcKey: string | undefined
  manager: Address | undefined
  managerDialect: ManagerDialect
  managerMethod: string
  ssm: Address | undefined
  ssmToken: string | undefined
  ssmCert: string | undefined
  ssmKey: string | undefined
  sip008Secret: string | undefined
  sip008Host: string | undefined
}

const host = textType('HOST', 'a name or an IP address, without a port', (written) =>
  parseHost(/^\[.*\]$/.test(written) ? written.slice(1, -1) : written),
)

const token = textType('TOKEN', TOKEN_FORM, (written) => {
  if (!isToken(written)) throw new RangeError('no token')
  return written
})

const method = textType('METHOD', 'a method such as chacha20-ietf-poly1305', (written) => {
  const known = ssMethod(written)
  if (known === undefined) throw new RangeError('no method')
  return known.name
})

/** Where the protocol of ss-manager is spoken: Node has no datagrams over Unix sockets. */
const managerAddress = textType(
  'HOST:PORT',
  'HOST:PORT on loopback, such as 127.0.0.1:6001; a Unix socket is for socat, see the documentation',
  (written): Address => address.parse(written),
)

const file = (description: string): z.ZodType<string | undefined> =>
  text.optional().meta({ description, placeholder: 'FILE', group: 'management' })

const secret = (description: string): z.ZodType<string | undefined> =>
  token.optional().meta({ description, secret: true, group: 'management' })

export const remoteSchema: ConfigSchema<RemoteConfig> = z.object({
  grpcHost: host.optional().meta({
    description: 'where gRPC is served, together with its port',
    env: 'SS_GRPC_HOST',
    group: 'management',
  }),
  grpcPort: wholeNumber(0, 65_535).optional().meta({
    description: 'port of gRPC',
    env: 'SS_GRPC_PORT',
    placeholder: 'N',
    group: 'management',
  }),
  grpcToken: secret('what gRPC calls have to bring as "authorization: Bearer TOKEN"'),
  grpcCert: file('certificate of gRPC and the chain behind it, PEM'),
  grpcKey: file('its private key, PEM'),
  manager: managerAddress.optional().meta({
    description: 'where the UDP protocol of ss-manager is spoken, on loopback',
    group: 'management',
  }),
  managerDialect: z.enum(MANAGER_DIALECTS).default('libev').meta({
    description: 'whose replies its clients expect',
    group: 'management',
  }),
  managerMethod: method.prefault('chacha20-ietf-poly1305').meta({
    description: 'method of ports that are added without one',
    group: 'management',
  }),
  ssm: address.optional().meta({
    description: 'where the Shadowsocks Server Management API is served; wants --ssm-token',
    group: 'management',
  }),
  ssmToken: secret('what its requests have to bring as "authorization: Bearer TOKEN"'),
  ssmCert: file('certificate of it and the chain behind it, PEM'),
  ssmKey: file('its private key, PEM'),
  sip008Secret: secret(
    'what links to SIP008 documents are made with, which are served on the ops port; none are unless it is given',
  ),
  sip008Host: host.optional().meta({
    description:
      'what clients reach this node by, in these documents; by default as they reached the ops port',
    group: 'management',
  }),
})

/** Where gRPC is to be served: only where host and port are both given. */
export const grpcAddress = ({ grpcHost, grpcPort: port }: RemoteConfig): Address | undefined =>
  grpcHost === undefined || port === undefined ? undefined : { host: grpcHost, port }

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/i

const isLoopback = ({ host: where }: Address): boolean => LOOPBACK.test(where)

/** @throws ConfigError where users could be managed by anyone, or a setting lacks another */
export const checkRemote = (config: RemoteConfig): void => {
  const { manager, ssm, ssmToken, grpcToken } = config
  const grpc = grpcAddress(config)
  const hasTls = { grpc: pairs(config, 'grpc', grpc), ssm: pairs(config, 'ssm', ssm) }
  if (grpc !== undefined && !isLoopback(grpc) && !(hasTls.grpc && grpcToken !== undefined)) {
    fail(
      `--grpc-host ${grpc.host} is not loopback: gRPC there wants --grpc-cert, --grpc-key and --grpc-token`,
    )
  }
  if (manager !== undefined && !isLoopback(manager)) {
    fail(`--manager ${manager.host} is not loopback: whoever can send there can manage users`)
  }
  if (ssm !== undefined && ssmToken === undefined) fail('--ssm wants --ssm-token')
  if (ssm !== undefined && !isLoopback(ssm) && !hasTls.ssm) {
    fail(`--ssm ${ssm.host} is not loopback: it wants --ssm-cert and --ssm-key there`)
  }
}

/** Whether there is TLS. */
const pairs = (config: RemoteConfig, name: 'grpc' | 'ssm', listener: Address | undefined): boolean => {
  const [cert, key] = [config[`${name}Cert`], config[`${name}Key`]]
  if ((cert === undefined) !== (key === undefined)) fail(`--${name}-cert and --${name}-key go together`)
  if (cert !== undefined && listener === undefined) fail(`--${name}-cert: there is no listener for it`)
  return cert !== undefined
}

const fail = (message: string): never => {
  throw new ConfigError('CONFIG_INVALID', message)
}
