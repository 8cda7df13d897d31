// The wire types say what the contract says, in both directions; the compiler is the judge.
import { test } from 'node:test'
import type {
  DeviceInfo as ContractDeviceInfo,
  clientHealthAnswer,
  deviceAuthAnswer,
  deviceRefreshAnswer,
  ErrorBody,
  KeyItem,
  keysPage,
  ProviderKeyItem,
} from '@sallyport/contract'
import type {
  ApiKeyInfo,
  ApiKeyPage,
  DeviceAuthAnswer,
  DeviceInfo,
  DeviceRefreshAnswer,
  ErrorAnswer,
  HealthAnswer,
  ProviderKeyInfo,
} from './wire.ts'

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never
type Answer<Schema extends { _zod: { output: unknown } }> = Schema['_zod']['output']

test('the wire types are the contract’s', () => {
  const held: true[] = [
    true satisfies Same<DeviceInfo, ContractDeviceInfo>,
    true satisfies Same<DeviceAuthAnswer, Answer<typeof deviceAuthAnswer>>,
    true satisfies Same<DeviceRefreshAnswer, Answer<typeof deviceRefreshAnswer>>,
    true satisfies Same<ApiKeyInfo, KeyItem>,
    true satisfies Same<ApiKeyPage, Answer<typeof keysPage>>,
    true satisfies Same<ProviderKeyInfo, ProviderKeyItem>,
    true satisfies Same<HealthAnswer, Answer<typeof clientHealthAnswer>>,
    true satisfies ErrorBody extends ErrorAnswer ? true : never,
  ]
  if (held.length !== 8) throw new Error('a shape was left out')
})
