// Payment details go through the form unchanged; a wrong account is found before it is sent.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PaymentDetails, paymentDetailsRequest } from '@sallyport/contract'
import { ibanProblem, paymentRequestOf, toPaymentDraft } from './payment-draft.ts'

const details: PaymentDetails = {
  client_id: 7,
  method: 'direct_debit',
  frequency: 'monthly',
  iban: 'DE89370400440532013000',
  account_holder: 'Acme Corporation',
  mandate_reference: 'M-1',
  billing_address: ['1 Harbour Street, Dock 3', 'London'],
  tax_id: null,
}

test('what is kept is shown, and sent back the same', () => {
  const { client_id: _, ...request } = details
  const draft = toPaymentDraft(details)
  assert.equal(draft.iban, 'DE89 3704 0044 0532 0130 00')
  assert.deepEqual(paymentRequestOf(draft), request)
  assert.deepEqual(paymentDetailsRequest.parse(paymentRequestOf(draft)), request)
})

test('spaces, small letters and blank lines are typing, empty fields are not given', () => {
  const draft = {
    ...toPaymentDraft(details),
    accountHolder: ' ',
    taxId: ' X1 ',
    billingAddress: '\n a \n\n b\n',
  }
  const { iban, account_holder, tax_id, billing_address } = paymentRequestOf({ ...draft, iban: ' de89 3704' })
  assert.deepEqual([iban, account_holder, tax_id, billing_address], ['DE893704', null, 'X1', ['a', 'b']])
})

test('an account with a typing error is wrong, none is missing only where it is debited', () => {
  const problems = [
    ibanProblem({ method: 'direct_debit', iban: 'de89 3704 0044 0532 0130 00' }),
    ibanProblem({ method: 'bank_transfer', iban: 'DE89 3704 0044 0532 0130 01' }),
    ibanProblem({ method: 'direct_debit', iban: ' ' }),
    ibanProblem({ method: 'credit_card', iban: '' }),
  ]
  assert.deepEqual(problems, [null, 'wrong', 'missing', null])
})
