// Invoices of a week: the seed's figures, once for each client, without gaps, never changed once issued.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { needs } from '../../test/support/needs.ts'
import { openBilling, seedEvents } from './test-support.ts'

const request = { week: '2025-W40', dry_run: false, allow_open: false }

describe('billing', await needs('postgres'), () => {
  test('the seed’s two clients get the seed’s invoices, under numbers in the order of their ids', async (t) => {
    const { makeClient, write, run, record } = await openBilling(t)
    const [first, second] = [await makeClient('Acme'), await makeClient('Globex')]
    await makeClient('Unused')
    await write(...seedEvents(first, second))
    const invoices = await run(request, record)
    assert.deepEqual(
      invoices.map(({ number, client_id, calls, total_micros, due_micros, tax_micros, state }) => ({
        ...{ number, client_id, calls, total_micros, due_micros, tax_micros, state },
      })),
      [
        {
          ...{ number: '2025-W40-001', client_id: first, calls: 157, state: 'issued' },
          ...{ total_micros: 2_430_000, due_micros: 2_430_000, tax_micros: 0 },
        },
        {
          ...{ number: '2025-W40-002', client_id: second, calls: 89, state: 'issued' },
          ...{ total_micros: 1_320_000, due_micros: 1_320_000, tax_micros: 0 },
        },
      ],
    )
    const line = (endpoint: string, quantity: number, price: number) => ({
      ...{ endpoint, provider: null, model: null, quantity },
      ...{ unit_price_micros: price, total_micros: quantity * price },
    })
    assert.deepEqual(invoices[0]?.lines, [
      line('/api/alert', 2, 100_000),
      line('/api/video/analyze', 17, 50_000),
      line('/api/video/buffer', 138, 10_000),
    ])
    assert.deepEqual(await run(request, record), invoices)
    assert.deepEqual(
      [invoices[0]?.issued_at, invoices[0]?.due_on],
      ['2025-10-06T05:00:00.000Z', '2025-10-20'],
    )
  })

  test('a dry run shows what a run would issue and leaves nothing', async (t) => {
    const { makeClient, write, run, record, database } = await openBilling(t)
    await write(...seedEvents(await makeClient('Acme'), await makeClient('Globex')))
    const shown = await run({ ...request, dry_run: true }, record)
    assert.deepEqual(
      shown.map(({ number }) => number),
      ['2025-W40-001', '2025-W40-002'],
    )
    for (const table of ['invoices', 'invoice_lines', 'usage_settled', 'usage_settled_floor'])
      assert.equal((await database.query(`select 1 from ${table}`)).rowCount, 0, table)
    const issued = await run(request, record)
    assert.deepEqual(
      issued.map(({ lines }) => lines),
      shown.map(({ lines }) => lines),
    )
  })

  test('a week that is not over is refused, and one that has not begun too, whatever is allowed', async (t) => {
    const { run, record } = await openBilling(t)
    const code = (week: string, allow_open: boolean) =>
      run({ week, dry_run: false, allow_open }, record).then(
        () => null,
        (error: { code?: string }) => error.code,
      )
    assert.equal(await code('2025-W41', false), 'week_open')
    assert.equal(await code('2025-W41', true), null)
    assert.equal(await code('2025-W42', true), 'malformed_request')
  })

  test('what arrives late, and what follows in a week billed while open, joins the next invoice', async (t) => {
    const { makeClient, write, run, record, clock } = await openBilling(t, {
      nowMs: Date.parse('2025-10-02T00:00:00Z'),
    })
    const client = await makeClient('Acme')
    const call = (at: string) => ({ clientId: client, at, endpoint: '/api/alert', costMicros: 100_000 })
    await write(call('2025-10-01T00:00:00Z'))
    const open = { ...request, allow_open: true }
    assert.equal((await run(open, record))[0]?.calls, 1)
    await write(call('2025-10-01T00:00:00Z'), call('2025-10-03T00:00:00Z'))
    clock.advance(11 * 86_400_000)
    assert.equal((await run(request, record))[0]?.calls, 1)
    await write(call('2025-09-02T00:00:00Z'), call('2025-10-07T00:00:00Z'))
    const [next] = await run({ ...request, week: '2025-W41' }, record)
    assert.deepEqual([next?.number, next?.calls], ['2025-W41-001', 4])
    assert.deepEqual(
      (await run(request, record)).map(({ calls }) => calls),
      [1],
    )
  })

  test('lines by token have no unit price, free calls are told apart, names a caller chose are not', async (t) => {
    const { makeClient, write, run, record } = await openBilling(t)
    const client = await makeClient('Acme')
    const call = (costMicros: number, more: object) => ({
      ...{ clientId: client, at: '2025-10-01T00:00:00Z', costMicros, ...more },
    })
    await write(
      call(123_456, { provider: 'openai', model: 'gpt-5', unitPriceMicros: null }),
      call(4, { provider: 'openai', model: 'gpt-5', unitPriceMicros: null }),
      call(0, { provider: 'openai', model: 'x'.repeat(50), unitPriceMicros: null }),
      call(0, { provider: 'openai', model: 'y'.repeat(50), unitPriceMicros: null }),
      call(0, { endpoint: '/api/alert', unitPriceMicros: 100_000 }),
      call(100_000, { endpoint: '/api/alert' }),
      call(700, { provider: 'exa', endpoint: '/proxy/exa/contents/1' }),
      call(700, { provider: 'exa', endpoint: '/proxy/exa/contents/2' }),
    )
    const [invoice] = await run(request, record)
    assert.deepEqual(
      invoice?.lines.map((line) => Object.values(line)),
      [
        ['/api/alert', null, null, 1, 100_000, 100_000],
        ['/api/alert', null, null, 1, 0, 0],
        [null, 'exa', null, 2, 700, 1400],
        [null, 'openai', 'gpt-5', 2, null, 123_460],
        [null, 'openai', null, 2, null, 0],
      ],
    )
    assert.deepEqual([invoice?.calls, invoice?.total_micros, invoice?.due_micros], [8, 224_860, 220_000])
  })

  test('the amount due is rounded half up to the cent once; tax is added to it', async (t) => {
    const { makeClient, write, run, record } = await openBilling(t, { billing: { tax_percent: '19' } })
    const amounts = [4_999, 5_000, 1_014_999, 1_015_000, 2_430_000]
    for (const costMicros of amounts)
      await write({
        clientId: await makeClient(`Acme ${costMicros}`),
        at: '2025-10-01',
        endpoint: '/api/alert',
        costMicros,
      })
    const invoices = await run(request, record)
    assert.deepEqual(
      invoices.map(({ total_micros, tax_micros, due_micros, state }) => [
        total_micros,
        tax_micros,
        due_micros,
        state,
      ]),
      [
        [4_999, 0, 0, 'paid'],
        [5_000, 0, 10_000, 'issued'],
        [1_014_999, 190_000, 1_200_000, 'issued'],
        [1_015_000, 190_000, 1_210_000, 'issued'],
        [2_430_000, 460_000, 2_890_000, 'issued'],
      ],
    )
  })

  test('a void invoice has a full credit note under the next number, and is never billed again', async (t) => {
    const billing = await openBilling(t)
    const { makeClient, write, run, record, clock } = billing
    const client = await makeClient('Acme')
    await write(...seedEvents(client, await makeClient('Globex')))
    const [before] = await run(request, record)
    const note = await billing.void('2025-W40-001', record)
    assert.deepEqual(
      [note?.number, note?.kind, note?.cancels, note?.total_micros, note?.due_micros, note?.calls],
      ['2025-W40-003', 'credit_note', '2025-W40-001', -2_430_000, -2_430_000, 157],
    )
    assert.equal(
      note?.lines.reduce((sum, line) => sum + line.total_micros, 0),
      -2_430_000,
    )
    const [after] = await run(request, record)
    assert.deepEqual(after, { ...before, state: 'void', cancelled_by: '2025-W40-003' })
    clock.advance(7 * 86_400_000)
    assert.deepEqual(await run({ ...request, week: '2025-W41' }, record), [])
    const payment = { date: '2025-10-10', reference: 'statement 12' }
    for (const change of [
      () => billing.void('2025-W40-001', record),
      () => billing.void('2025-W40-003', record),
      () => billing.pay('2025-W40-001', payment, record),
    ])
      await assert.rejects(change, { code: 'conflict' })
    const paid = await billing.pay('2025-W40-002', payment, record)
    assert.deepEqual(
      [paid?.state, paid?.paid_on, paid?.paid_reference],
      ['paid', '2025-10-10', 'statement 12'],
    )
    await assert.rejects(billing.pay('2025-W40-002', payment, record), { code: 'conflict' })
    assert.equal(await billing.pay('2025-W40-009', payment, record), null)
  })

  test('fifty runs at once on two replicas make one invoice for each client, without a gap', async (t) => {
    const { makeClient, write, run, record, openReplica, database } = await openBilling(t)
    const replica = await openReplica()
    for (let count = 0; count < 30; count++) {
      const clientId = await makeClient(`Client ${count}`)
      await write({ clientId, at: '2025-10-01', endpoint: '/api/alert', costMicros: 100_000, times: 3 })
    }
    const runs = Array.from({ length: 50 }, (_, index) => (index % 2 ? run : replica.run)(request, record))
    for (const invoices of await Promise.all(runs)) assert.equal(invoices.length, 30)
    const { rows } = await database.query<{ sequence: number; client_id: number; calls: number }>(
      'select sequence, client_id, calls from invoices order by sequence',
    )
    assert.deepEqual(
      rows.map(({ sequence }) => sequence),
      Array.from({ length: 30 }, (_, index) => index + 1),
    )
    assert.ok(
      rows.every(
        ({ calls, client_id }, index) => calls === 3 && client_id > (rows[index - 1]?.client_id ?? 0),
      ),
    )
  })

  test('a run that breaks off at its very end leaves nothing, and the next one has the same numbers', async (t) => {
    const { makeClient, write, run, record, database } = await openBilling(t)
    await write(...seedEvents(await makeClient('Acme'), await makeClient('Globex')))
    const broken = run(request, async (tx) => {
      await tx.query('select pg_terminate_backend(pg_backend_pid())')
    })
    await assert.rejects(broken)
    await eventually('the database again', () => database.isReachable())
    assert.equal((await database.query('select 1 from invoices')).rowCount, 0)
    const invoices = await run(request, record)
    assert.deepEqual(
      invoices.map(({ number }) => number),
      ['2025-W40-001', '2025-W40-002'],
    )
  })

  test('a client that goes is invoiced for the rest or has it dropped; its invoices stay as they are', async (t) => {
    const billing = await openBilling(t)
    const { makeClient, write, run, record, database, clock } = billing
    const [kept, dropped] = [await makeClient('Acme'), await makeClient('Globex')]
    await write(...seedEvents(kept, dropped))
    const issued = await run(request, record)
    for (const clientId of [kept, dropped])
      await write({ clientId, at: '2025-10-06T04:00:00Z', endpoint: '/api/alert', costMicros: 100_000 })
    const remove = (clientId: number, usage: 'invoice' | 'drop') =>
      database.transaction(async (tx) => {
        await billing.removeClient(tx, { clientId, usage })
        await tx.query('delete from clients where id = $1', [clientId])
      })
    await remove(kept, 'invoice')
    await remove(dropped, 'drop')
    await write({ clientId: kept, at: '2025-10-06T05:00:00Z', endpoint: '/api/alert', costMicros: 100_000 })
    clock.advance(7 * 86_400_000)
    const last = await run({ ...request, week: '2025-W41' }, record)
    assert.deepEqual(
      last.map(({ number, client_id, calls }) => [number, client_id, calls]),
      [['2025-W41-001', kept, 1]],
    )
    assert.deepEqual(await run(request, record), issued)
    const page = await billing.open(null, '2025-W40-001.html')
    assert.match(String(page?.file?.body), /Acme/)
  })

  test('an invoice is found by its own client and by admins only', async (t) => {
    const billing = await openBilling(t)
    const [first, second] = [await billing.makeClient('Acme'), await billing.makeClient('Globex')]
    await billing.write(...seedEvents(first, second))
    await billing.run(request, billing.record)
    for (const name of ['2025-W40-001', '2025-W40-001.html', '2025-W40-001.pdf']) {
      assert.equal((await billing.open(first, name))?.item.client_id, first)
      assert.equal((await billing.open(null, name))?.item.client_id, first)
      assert.equal(await billing.open(second, name), null)
    }
    for (const name of ['2025-W40-001.txt', '2025-W40-001.pdf.pdf', '', '%', '2025-W40-0011'])
      assert.equal(await billing.open(null, name), null, name)
    const mine = await billing.list({ page: 1, page_size: 20, client_id: second })
    assert.deepEqual(
      mine.items.map(({ number }) => number),
      ['2025-W40-002'],
    )
  })
})
