export {
  HttpsProxyClient,
  type HttpsProxyClientOptions,
  type ProxiedRequest,
  type ProxiedResponse,
} from './https-proxy-client.ts'
export { CLIENT_ERROR_CODES, HttpsProxyError } from './https-proxy-error.ts'
