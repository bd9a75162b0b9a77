// The expandable fields: which field of which object an `expand[]` can name or pass through, and what it expands to.

const LISTS = ['ApiList', 'ApiSearchResult', 'V2List'];

/** `{ object, field, kind, targets }` of every field at or above an expansion, for the types that operations return, in order. */
export function expansions(sdk, returned) {
  const graph = new Map();
  const walked = new Set();
  const walk = (type) => {
    const object = sdk.name(type);
    if (object === undefined || walked.has(type)) return;
    walked.add(type);
    // Several types may share a name: the kinds of events, and an object with its form after deletion.
    const fields = graph.get(object) ?? new Map();
    graph.set(object, fields);
    for (const symbol of type.getProperties()) {
      const edge = read(sdk, symbol);
      if (!edge) continue;
      const before = fields.get(symbol.name);
      fields.set(symbol.name, before ? joined(before, edge) : edge);
      edge.types.forEach(walk);
    }
  };
  returned.forEach(walk);
  return rows(graph);
}

/** One field as an edge to what it contains, or undefined if it contains neither an object nor objects. */
function read(sdk, symbol) {
  const { optional, type } = sdk.field(symbol);
  const targets = new Set();
  const types = [];
  let asId = false;
  let isResource = false;
  const add = (member, prefix) => {
    const list = sdk.argument(member, LISTS);
    const items = list ?? sdk.argument(member, ['Array']);
    if (items) {
      sdk.members(items).forEach((each) => add(each, list ? 'list ' : prefix));
      return;
    }
    if (sdk.isString(member)) {
      asId = true;
      return;
    }
    // For example, from a currency to the price in it. `metadata` is also one. Their values are never ids.
    const values = sdk.checker.getIndexInfosOfType(member).flatMap((index) => sdk.members(index.type));
    values.filter((value) => !sdk.isString(value)).forEach((value) => add(value, 'map '));
    const name = sdk.name(member);
    if (name !== undefined && values.length === 0) {
      isResource ||= sdk.literal(member) !== undefined;
      targets.add(prefix + name);
      types.push(member);
    }
  };
  sdk.members(type).forEach((member) => add(member, ''));
  if (targets.size === 0) return undefined;
  // A field that the API includes only on demand is declared as one that may be absent.
  const expands = asId || (optional && isResource);
  return { kind: expands ? 'expands' : 'contains', targets, types, isResource };
}

const joined = (a, b) => ({
  kind: a.kind === 'expands' ? a.kind : b.kind,
  targets: new Set([...a.targets, ...b.targets]),
  types: [...a.types, ...b.types],
  isResource: a.isResource || b.isResource,
});

const bare = (target) => target.replace(/^(list|map) /, '');

/** The rows that lead to an expansion or to a separate object. */
function rows(graph) {
  const reaching = new Set();
  const leads = (edge) => edge.kind === 'expands' || edge.isResource || [...edge.targets].some((target) => reaching.has(bare(target)));
  for (let before = -1; before !== reaching.size; ) {
    before = reaching.size;
    for (const [object, fields] of graph) {
      if ([...fields.values()].some(leads)) reaching.add(object);
    }
  }
  const found = [];
  for (const [object, fields] of graph) {
    for (const [field, edge] of fields) {
      if (!leads(edge)) continue;
      // This would be another step in the path, which the format cannot express. So far, no map leads to an expansion.
      if ([...edge.targets].some((target) => target.startsWith('map '))) throw new Error(`${object}.${field}: a map to an expansion`);
      found.push({ object, field, kind: edge.kind, targets: [...edge.targets].sort().join('|') });
    }
  }
  return found.sort((a, b) => compare(a.object, b.object) || compare(a.field, b.field));
}

const compare = (a, b) => (a < b ? -1 : Number(a > b));
