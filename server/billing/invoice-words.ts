// The words of an invoice in each language, and how amounts and dates are written there.
import type { InvoiceDocument } from './invoice-document.ts'

export type Language = InvoiceDocument['language']

export type InvoiceWords = {
  invoice: string
  creditNote: string
  /** Of a credit note: which invoice it takes back. */
  cancels(number: string): string
  from: string
  billTo: string
  number: string
  issued: string
  due: string
  period: string
  week: string
  reference: string
  description: string
  quantity: string
  unitPrice: string
  amount: string
  perTokens: string
  free: string
  calls: string
  total: string
  tax: string
  amountDue: string
  payment: string
  nothingDue: string
  bankTransfer(due: string): string
  directDebit(account: string): string
  creditCard: string
  refund: string
  accountHolder: string
  bank: string
  purpose: string
  mandate: string
  taxId: string
  questions: string
  page(page: number, pages: number): string
  mailSubject(number: string, seller: string): string
  mailText(given: { title: string; number: string; amount: string; due: string }): string
  greeting: string
}

const en: InvoiceWords = {
  invoice: 'Invoice',
  creditNote: 'Credit note',
  cancels: (number) => `This credit note takes back invoice ${number} in full.`,
  from: 'From',
  billTo: 'Bill to',
  number: 'Number',
  issued: 'Date of issue',
  due: 'Payable by',
  period: 'Period',
  week: 'Week',
  reference: 'Client',
  description: 'Description',
  quantity: 'Calls',
  unitPrice: 'Unit price',
  amount: 'Amount',
  perTokens: 'by tokens',
  free: 'not charged',
  calls: 'Calls in all',
  total: 'Total',
  tax: 'VAT',
  amountDue: 'Amount due',
  payment: 'Payment',
  nothingDue: 'Nothing is to be paid.',
  bankTransfer: (due) => `Please transfer the amount by ${due}, and give the purpose below.`,
  directDebit: (account) => `We will collect the amount by direct debit from the account ${account}.`,
  creditCard: 'We will charge the amount to the credit card on file.',
  refund: 'The amount will be refunded or offset.',
  accountHolder: 'Account holder',
  bank: 'Bank',
  purpose: 'Purpose',
  mandate: 'Mandate',
  taxId: 'Tax ID',
  questions: 'Questions',
  page: (page, pages) => `Page ${page} of ${pages}`,
  mailSubject: (number, seller) => `${number} from ${seller}`,
  mailText: ({ title, number, amount, due }) =>
    `Please find attached ${title.toLowerCase()} ${number}.\n\nAmount due: ${amount}\nPayable by: ${due}`,
  greeting: 'Kind regards',
}

const fr: InvoiceWords = {
  invoice: 'Facture',
  creditNote: 'Avoir',
  cancels: (number) => `Cet avoir annule intégralement la facture ${number}.`,
  from: 'Émetteur',
  billTo: 'Client',
  number: 'Numéro',
  issued: 'Date d’émission',
  due: 'À payer avant le',
  period: 'Période',
  week: 'Semaine',
  reference: 'Référence client',
  description: 'Désignation',
  quantity: 'Appels',
  unitPrice: 'Prix unitaire',
  amount: 'Montant',
  perTokens: 'par jetons',
  free: 'non facturé',
  calls: 'Appels au total',
  total: 'Total',
  tax: 'TVA',
  amountDue: 'Montant à payer',
  payment: 'Paiement',
  nothingDue: 'Aucun montant n’est à payer.',
  bankTransfer: (due) => `Merci de virer le montant avant le ${due} en indiquant le motif ci-dessous.`,
  directDebit: (account) => `Nous prélèverons le montant sur le compte ${account}.`,
  creditCard: 'Nous débiterons le montant de la carte bancaire enregistrée.',
  refund: 'Le montant sera remboursé ou déduit.',
  accountHolder: 'Titulaire du compte',
  bank: 'Banque',
  purpose: 'Motif',
  mandate: 'Mandat',
  taxId: 'N° fiscal',
  questions: 'Questions',
  page: (page, pages) => `Page ${page} sur ${pages}`,
  mailSubject: (number, seller) => `${number} de ${seller}`,
  mailText: ({ title, number, amount, due }) =>
    `Veuillez trouver ci-joint le document : ${title.toLowerCase()} ${number}.\n\nMontant à payer : ${amount}\nÀ payer avant le : ${due}`,
  greeting: 'Cordialement',
}

const zh: InvoiceWords = {
  invoice: '账单',
  creditNote: '贷项通知单',
  cancels: (number) => `本贷项通知单全额冲销账单 ${number}。`,
  from: '开具方',
  billTo: '客户',
  number: '编号',
  issued: '开具日期',
  due: '付款期限',
  period: '期间',
  week: '周',
  reference: '客户标识',
  description: '项目',
  quantity: '调用次数',
  unitPrice: '单价',
  amount: '金额',
  perTokens: '按词元计费',
  free: '不计费',
  calls: '调用总次数',
  total: '合计',
  tax: '增值税',
  amountDue: '应付金额',
  payment: '付款',
  nothingDue: '无需付款。',
  bankTransfer: (due) => `请于 ${due} 前转账，并注明以下用途。`,
  directDebit: (account) => `我们将从账户 ${account} 直接扣款。`,
  creditCard: '我们将从已登记的信用卡扣款。',
  refund: '该金额将退还或抵扣。',
  accountHolder: '户名',
  bank: '银行',
  purpose: '用途',
  mandate: '授权编号',
  taxId: '税号',
  questions: '咨询',
  page: (page, pages) => `第 ${page} 页，共 ${pages} 页`,
  mailSubject: (number, seller) => `${seller}：${number}`,
  mailText: ({ title, number, amount, due }) =>
    `随信附上${title} ${number}。\n\n应付金额：${amount}\n付款期限：${due}`,
  greeting: '此致',
}

export const invoiceWords: Readonly<Record<Language, InvoiceWords>> = { en, fr, zh }

const locales = { en: 'en-GB', fr: 'fr-FR', zh: 'zh-CN' } as const

/** Exact: two decimals, more only where there are more. Without a float on the way. */
export function formatMoney(micros: number, language: Language): string {
  const magnitude = String(Math.abs(micros)).padStart(7, '0')
  const decimal = `${micros < 0 ? '-' : ''}${magnitude.slice(0, -6)}.${magnitude.slice(-6)}`
  const format = new Intl.NumberFormat(locales[language], {
    style: 'currency',
    currency: 'EUR',
    minimumFractionDigits: 2,
    maximumFractionDigits: 6,
  })
  return format.format(decimal as `${number}`)
}

export function formatCount(count: number, language: Language): string {
  return new Intl.NumberFormat(locales[language]).format(count)
}

/** `2025-10-06` → `6 October 2025`. */
export function formatDay(day: string, language: Language): string {
  const format = new Intl.DateTimeFormat(locales[language], { dateStyle: 'long', timeZone: 'UTC' })
  return format.format(new Date(`${day}T00:00:00Z`))
}
