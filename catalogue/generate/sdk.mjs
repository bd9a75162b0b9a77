// The SDK as the TypeScript compiler sees it: which classes with methods the client has, and what a type in the declarations means.

import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Reads the packages that are installed in `folder`. */
export function read(folder) {
  const require = createRequire(join(folder, 'package.json'));
  const ts = require('typescript');
  const root = join(folder, 'node_modules', 'stripe', 'esm');
  const { version } = require(join(folder, 'node_modules', 'stripe', 'package.json'));
  const entry = join(root, 'stripe.core.d.ts');
  const program = ts.createProgram([entry], {
    strict: true,
    noLib: false,
    types: [],
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
  });
  return new Sdk(ts, program, program.getTypeChecker(), program.getSourceFile(entry), version);
}

const camelToSnake = (name) =>
  name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2').toLowerCase();

class Sdk {
  constructor(ts, program, checker, entry, version) {
    Object.assign(this, { ts, program, checker, entry, version });
  }

  /** Every class with methods of the API, as `[path from the client to it, its declaration]`: `v2.core.accounts`. */
  resources() {
    const exported = this.checker.getExportsOfModule(this.checker.getSymbolAtLocation(this.entry));
    const client = exported.find((symbol) => symbol.name === 'Stripe');
    const found = [];
    const walk = (symbol, path) => {
      for (const member of this.checker.getDeclaredTypeOfSymbol(symbol).getProperties()) {
        const child = this.checker.getTypeOfSymbol(member).getSymbol();
        const declaration = child?.declarations?.find((node) => this.ts.isClassDeclaration(node));
        if (!declaration?.getSourceFile().fileName.includes('/resources/')) continue;
        const below = [...path, member.name];
        found.push([below.join('.'), declaration]);
        walk(child, below);
      }
    };
    walk(client, []);
    return found;
  }

  /** The members of a union, without null, undefined and void. Any other type is a union of one. */
  members(type) {
    const all = type.isUnion() ? type.types : [type];
    const { Null, Undefined, Void } = this.ts.TypeFlags;
    return all.filter((member) => !(member.flags & (Null | Undefined | Void)));
  }

  isString(type) {
    return (type.flags & this.ts.TypeFlags.String) !== 0;
  }

  /** What is between a type's angle brackets, if it is one of the named generic types. */
  argument(type, names) {
    const symbol = type.aliasSymbol ?? type.getSymbol();
    if (!symbol || !names.includes(symbol.name)) return undefined;
    const [argument] = type.aliasTypeArguments ?? this.checker.getTypeArguments(type);
    return argument;
  }

  /** Returns `customer` for an interface whose `object` is `'customer'`. */
  literal(type) {
    const property = type.getProperty('object');
    const value = property && this.checker.getTypeOfSymbol(property);
    return value?.isStringLiteral() ? value.value : undefined;
  }

  /**
   * The name of an interface: its `object` literal. For an interface nested in another's namespace, the other's name and its own:
   * `charge:payment_method_details:card`. Undefined if the type is not an interface of the SDK's resources.
   */
  name(type) {
    const symbol = type.getSymbol();
    const declaration = symbol?.declarations?.find((node) => this.ts.isInterfaceDeclaration(node));
    if (!declaration?.getSourceFile().fileName.includes('/stripe/esm/')) return undefined;
    const literal = this.literal(type);
    if (literal && this.isTop(declaration)) return literal;
    const names = [camelToSnake(symbol.name)];
    for (let node = declaration.parent; node; node = node.parent) {
      if (this.ts.isModuleDeclaration(node)) names.unshift(camelToSnake(node.name.text));
    }
    const outer = this.outer(declaration);
    if (outer) names[0] = outer;
    return names.join(':');
  }

  isTop(declaration) {
    return this.ts.isSourceFile(declaration.parent);
  }

  /** The `object` literal of the interface in whose namespace a nested one is declared. */
  outer(declaration) {
    let top;
    for (let node = declaration.parent; node; node = node.parent) {
      if (this.ts.isModuleDeclaration(node)) top = node;
    }
    const symbol = top && this.checker.getSymbolAtLocation(top.name);
    if (!symbol || !(symbol.flags & this.ts.SymbolFlags.Interface)) return undefined;
    return this.literal(this.checker.getDeclaredTypeOfSymbol(symbol));
  }

  /** A field's type, without `undefined`, and whether the field may be left out. */
  field(symbol) {
    const optional = (symbol.flags & this.ts.SymbolFlags.Optional) !== 0;
    return { name: symbol.name, optional, type: this.checker.getTypeOfSymbol(symbol) };
  }
}
