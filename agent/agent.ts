// Door of the client side: the library that programs of clients and devices use. It starts small and grows with the rows it serves.
export { type ErrorBody, type ErrorCode, errorCatalogue } from '@sallyport/contract'
