// Lint rules that oxlint does not have.

// `no-clock`: in pure folders the time is an argument; `new Date()` and `Date()` read the clock without naming a property that
// `no-restricted-properties` could forbid.
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

// `no-service-keys`: the module that reads service keys is loaded in the token process alone. A rule of its own, because folders
// whose import rule allows the keys' folder would each have to except it, and one that is forgotten would be seen by nobody.
const readsServiceKeys = (source) =>
  typeof source?.value === 'string' && /(?:^|\/)service-keys(?:\.ts)?$/.test(source.value)

const noServiceKeys = {
  create(context) {
    const check = (node) => {
      if (node.importKind === 'type' || node.exportKind === 'type') return
      if (readsServiceKeys(node.source))
        context.report({
          node,
          message: 'Service keys are read in the token process only: here nothing may load this module.',
        })
    }
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    }
  },
}

// oxlint reads a plugin through its default export.
// oxlint-disable-next-line import/no-default-export
export default { meta: { name: 'station' }, rules: { 'no-clock': noClock, 'no-service-keys': noServiceKeys } }
