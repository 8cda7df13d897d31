// The wire types say what the contract says, in both directions; the compiler is the judge.
import { test } from 'node:test'
import type {
  batchBufferedAnswer,
  AlertAnswer as ContractAlertAnswer,
  AnalyzeAnswer as ContractAnalyzeAnswer,
  DeviceInfo as ContractDeviceInfo,
  clientHealthAnswer,
  deviceAuthAnswer,
  deviceRefreshAnswer,
  ErrorBody,
  KeyItem,
  keysPage,
  ProviderKeyItem,
  UsageAnswer,
} from '@sallyport/contract'
import type {
  AlertAnswer,
  AnalyzeAnswer,
  ApiKeyInfo,
  ApiKeyPage,
  BatchBufferedAnswer,
  DeviceAuthAnswer,
  DeviceInfo,
  DeviceRefreshAnswer,
  ErrorAnswer,
  HealthAnswer,
  ProviderKeyInfo,
  UsageTotals,
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
    true satisfies Same<AlertAnswer, ContractAlertAnswer>,
    true satisfies Same<AnalyzeAnswer, ContractAnalyzeAnswer>,
    true satisfies Same<BatchBufferedAnswer, Answer<typeof batchBufferedAnswer>>,
    true satisfies UsageAnswer extends UsageTotals ? true : never,
    true satisfies ErrorBody extends ErrorAnswer ? true : never,
  ]
  if (held.length !== 12) throw new Error('a shape was left out')
})
