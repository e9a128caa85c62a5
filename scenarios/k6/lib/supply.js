// What a virtual user that sends lines needs: bodies, a clock, and a ledger of what became of them. Of the extension; or, where
// WEIR_BODIES names a file that was rendered beforehand, of nothing that a stock k6 does not have.
//
// k6 resolves an import whether it is reached or not, and `require` only when it is: k6/x/weir is asked for by extension.js alone.

/** @type {typeof import('./extension.js') | typeof import('./rendered.js')} */
const { Supply } = __ENV['WEIR_BODIES'] ? require('./rendered.js') : require('./extension.js')

export { Supply }
