// Door of the client side: what programs of clients and devices use to talk to the gateway.
export { type ClientOptions, createClient, type SallyportClient } from './client.ts'
export {
  createDeviceAgent,
  type DeviceAgent,
  type DeviceAgentOptions,
  type VapiCall,
} from './device-agent.ts'
export { DeviceRefusedError } from './device-session.ts'
export { SallyportError, SallyportUnreachableError } from './request.ts'
export type * from './wire.ts'
