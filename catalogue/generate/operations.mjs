// The operations: every request that a method of the SDK makes, with the host it goes to and the object that it returns.

import { readFileSync } from 'node:fs';

// The SDK's names for hosts. A request without one goes to the API's host.
const HOSTS = {
  api: 'api.stripe.com',
  files: 'files.stripe.com',
  connect: 'connect.stripe.com',
  meter_events: 'meter-events.stripe.com',
};

const LISTS = ['ApiListPromise', 'ApiSearchResultPromise', 'V2ListPromise', 'V2SearchResultPromise'];

/** `{ method, path, host, returns, sdk }` of every operation, in the order of path and method. `types` are the returned types. */
export function operations(sdk) {
  const found = new Map();
  const types = new Set();
  for (const [place, declaration] of sdk.resources()) {
    const calls = requests(sdk, declaration);
    for (const [name, requestsOfMethod] of calls) {
      const returned = returns(sdk, declaration, name);
      returned.types.forEach((type) => types.add(type));
      for (const { method, path, host } of requestsOfMethod) {
        const key = `${path}\t${method}`;
        const known = found.get(key) ?? { method, path, host, returns: new Set(), sdk: new Set() };
        if (known.host !== host) throw new Error(`${method} ${path}: two hosts, ${known.host} and ${host}`);
        returned.names.forEach((each) => known.returns.add(each));
        known.sdk.add(`${place}.${name}`);
        found.set(key, known);
      }
    }
  }
  const rows = [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => ({
    ...row,
    returns: [...row.returns].sort().join('|') || '-',
    sdk: [...row.sdk].sort().join(','),
  }));
  return { rows, types };
}

/** The requests of each method of a class, read from the code next to its declaration. */
function requests(sdk, declaration) {
  const { ts } = sdk;
  const file = declaration.getSourceFile().fileName.replace(/\.d\.ts$/, '.js');
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2022, true);
  const found = new Map();
  const inMethod = (name) => (node) => {
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression) && node.expression.name.text === '_makeRequest') {
      const calls = found.get(name) ?? [];
      if (!isTold(node)) found.set(name, [...calls, request(ts, node)]);
    }
    ts.forEachChild(node, inMethod(name));
  };
  source.forEachChild((node) => {
    if (!ts.isClassDeclaration(node) || node.name.text !== declaration.name.text) return;
    for (const member of node.members) {
      if (ts.isMethodDeclaration(member)) ts.forEachChild(member, inMethod(member.name.text));
    }
  });
  return found;
}

/** Whether a request's path comes from an earlier reply, such as an event's object. Such a request is not a separate operation. */
const isTold = (call) => call.arguments[1].getText().endsWith('.related_object.url');

/** A call `_makeRequest('GET', `/v1/customers/${…}`, params, options, { apiBase: … })`. */
function request(ts, call) {
  const [method, path, , , spec] = call.arguments;
  const base = spec && property(ts, spec, 'apiBase');
  const host = HOSTS[base ?? 'api'];
  if (!host) throw new Error(`a host called ${base}, which has no name here`);
  if (!ts.isStringLiteral(method)) throw new Error(`a method that is no literal: ${call.getText().slice(0, 100)}`);
  return { method: method.text, path: template(ts, path), host };
}

function property(ts, object, name) {
  const found = object.properties.find((each) => each.name?.text === name);
  return found && found.initializer.text;
}

/** The path with named parameters: the first is `{id}`, and a later one is named after the segment before it, in the singular. */
function template(ts, node) {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (!ts.isTemplateExpression(node)) throw new Error(`a path that is no literal: ${node.getText()}`);
  let path = node.head.text;
  node.templateSpans.forEach((span, index) => {
    const before = path.split('/').at(-2);
    const name = index === 0 ? 'id' : before.replace(/ies$/, 'y').replace(/s$/, '');
    path += `{${name}}${span.literal.text}`;
  });
  return path;
}

/** The result of a method's promise: the names for the table, and their types. */
function returns(sdk, declaration, name) {
  const { checker } = sdk;
  const member = checker.getTypeAtLocation(declaration).getProperty(name);
  if (!member) throw new Error(`${declaration.name.text}.${name} is not declared`);
  const names = new Set();
  const types = [];
  for (const signature of checker.getTypeOfSymbol(member).getCallSignatures()) {
    const promise = signature.getReturnType();
    const item = sdk.argument(promise, LISTS);
    const held = item ?? sdk.argument(sdk.argument(promise, ['Promise']), ['Response']);
    if (!held) continue;
    for (const type of sdk.members(held)) {
      const object = sdk.literal(type);
      if (!object) continue;
      names.add(item ? `list ${object}` : object);
      types.push(type);
    }
  }
  return { names, types };
}
