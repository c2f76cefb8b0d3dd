export { type ApiConfig, openApi, type OpenApiOptions } from './open-api.ts'
export { hashToken, makeToken } from './token-guard.ts'
