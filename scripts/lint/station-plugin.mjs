// Lint rules that oxlint does not have. `no-clock`: in pure folders the time is an argument; `new Date()` and `Date()` read the clock
// without naming a property that `no-restricted-properties` could forbid.
const isDate = (callee) => callee.type === 'Identifier' && callee.name === 'Date'

const noClock = {
  create(context) {
    const report = (node) =>
      context.report({ node, message: 'The clock is an argument here: no `new Date()` without a value.' })
    return {
      NewExpression(node) {
        if (isDate(node.callee) && node.arguments.length === 0) report(node)
      },
      CallExpression(node) {
        if (isDate(node.callee)) report(node)
      },
    }
  },
}

// oxlint reads a plugin through its default export.
// oxlint-disable-next-line import/no-default-export
export default { meta: { name: 'station' }, rules: { 'no-clock': noClock } }
