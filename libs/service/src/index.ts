export { Access, AccessError, type AccessOptions, type EarlyVerdict, ruleOf } from './access/access.ts'
export { type AccessConfig, accessSchema } from './access/access-config.ts'
export { accessDial, type AccessDialParts, subjectOf, type Upstreams } from './access/access-dial.ts'
export type { Verdict } from './access/compiled-rule.ts'
export type { Subject } from './access/facts.ts'
export type { Protocol, Rule } from './access/rule.ts'
export { ACCESS_FORMATS, type AccessEntry, type AccessFormat, endpoint } from './access-entry.ts'
export { AccessLog, type AccessLogOptions } from './access-log.ts'
export { Account, type AccountDefaults, type Held } from './account.ts'
export type { Bearer, Taken } from './bearers.ts'
export { type CircuitEnd, CircuitLane, type CircuitLanes, circuitLanes } from './circuit-lane.ts'
export { AllowedMethods } from './allowed-methods.ts'
export { clientNetwork } from './client-network.ts'
export { type BaseConfig, baseSchema, type ConfigInput, flag, loadConfig, type Loaded } from './config.ts'
export { ConfigError, type ConfigErrorCode } from './config-error.ts'
export type { ConfigSchema, OptionMeta } from './config-options.ts'
export type { Given, Givens, Operands } from './config-sources.ts'
export { configDrift, configTable, printConfig } from './config-text.ts'
export * from './config-types.ts'
export type { App, AppCommand, CommandOutline } from './app.ts'
export { DatagramQueue, type DatagramQueueOptions } from './datagram-queue.ts'
export {
  Association,
  type AssociationOptions,
  type DatagramClient,
  type DropReason,
  type Outlet,
} from './datagram.ts'
export { type DatagramOrigin, type DatagramParts, DatagramSession } from './datagram-session.ts'
export type { Destination } from './destinations.ts'
export type { DeviceRules } from './devices.ts'
export { Directory, type DirectoryOptions } from './directory.ts'
export { type DnsConfig, dnsSchema } from './dns-config.ts'
export {
  type Code,
  codeOf,
  type ErrorCode,
  OUTCOMES,
  type Outcome,
  retryMsOf,
  ServiceError,
} from './errors.ts'
export { FileWatch, type FileWatchOptions, lookOf } from './file-watch.ts'
export { type Example, type Manual, manualText, type Row } from './help-text.ts'
export { publicKeyOf, rawPublicKey } from './ed25519.ts'
export { freshIdentityKey, type IdentityKey, isExposed, openIdentityKey } from './identity-key.ts'
export { nearest } from './nearest.ts'
export { withSettings } from './listen-failure.ts'
export { Ledger, type LedgerOptions } from './ledger.ts'
export { LevelHolds, type Levels } from './level-holds.ts'
export { isLoopbackListener } from './loopback.ts'
export type { AnnounceOptions, DatagramListener, ListenerOptions, OwnParts } from './listeners.ts'
export { createLog, type Log, type LogLevel } from './log.ts'
export { checkOpen, type CheckOpenOptions, openness, type OpennessOptions } from './openness.ts'
export { type Ops, type OpsOptions, type OpsRoutes, startOps } from './ops.ts'
export { Program } from './program.ts'
export type { ProgramConfig, ProgramOptions } from './program-options.ts'
export type { Prepare } from './reload.ts'
export { runApp } from './run-app.ts'
export type {
  Caller,
  CallerDial,
  CallerLocate,
  CallerMayReuse,
  DialUse,
  Handshake,
  Request,
  ServedRequest,
  Serving,
} from './request.ts'
export { runSession } from './session.ts'
export {
  type SessionConfig,
  type SessionDefaults,
  sessionSchema,
  sessionSchemaOf,
  signInLimits,
} from './session-config.ts'
export { Seldom } from './seldom.ts'
export type { SessionParts } from './session-parts.ts'
export { Sessions, type SessionsOptions } from './sessions.ts'
export { type Signalled, Signals } from './signals.ts'
export { type Logins, signIn } from './sign-in.ts'
export { SignInGuard, type SignInLimits } from './sign-in-guard.ts'
export { storeUrl } from './store-url.ts'
export { tlsFiles } from './tls-config.ts'
export { runTop, TOP_ABOUT, topFlags, type TopIo } from './top.ts'
export type { UserReport, UserStatus } from './user-status.ts'
export { userCommand } from './user-cli.ts'
export type { UserCommandIo, UserLink } from './cli-command.ts'
export { type LimitFlags, limitFlags, limitsOf, patchOf } from './cli-limits.ts'
export { makePassword, readSecret, readSecrets } from './cli-secret.ts'
export { about, columns, dateText, quotaText, rateText } from './cli-text.ts'
export { date, orNone } from './cli-types.ts'
export { unasked } from './unasked.ts'
export { type UpstreamConfig, upstreamNames, upstreamSchema } from './upstream-config.ts'
export { type Beyond, type OwnLanes, type UserLane, userLanes, type UserLanes } from './user-lane.ts'
export type { WayOut } from './way-out.ts'
