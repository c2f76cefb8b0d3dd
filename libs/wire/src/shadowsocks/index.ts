export { type SsKey, ssKey } from './key.ts'
export { isSecure, SS_METHOD_NAMES, type SsKind, type SsMethod, ssMethod } from './method.ts'
export { identityKey, keyHash, sessionKey } from './session-key.ts'
