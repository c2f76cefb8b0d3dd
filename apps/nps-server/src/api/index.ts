export { type ApiConfig, openApi, type OpenApiOptions } from './open-api.ts'
