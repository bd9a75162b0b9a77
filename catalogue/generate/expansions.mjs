// The expandable fields: which field of which object an `expand[]` can name or pass through, and what it brings in.

const LISTS = ['ApiList', 'ApiSearchResult', 'V2List'];

/** `{ object, field, kind, targets }` of every field at or above an expansion, for the types that operations return, in order. */
export function expansions(sdk, returned) {
  const graph = new Map();
  const walked = new Set();
  const walk = (type) => {
    const object = sdk.name(type);
    if (object === undefined || walked.has(type)) return;
    walked.add(type);
    // Several types may share a name: the kinds of event, and an object with what is left of it once deleted.
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

/** One field as an edge to what it holds, or undefined where it holds neither an object nor objects. */
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
    // From a currency to a price in it, say; `metadata` is one, too. What they hold is never an id.
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
  // What the API includes on demand alone is declared as a field that may be absent.
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

/** The rows from which an expansion, or an object of its own, can be reached. */
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
      // A step more in the path, which the format has no word for: no map leads to an expansion yet.
      if ([...edge.targets].some((target) => target.startsWith('map '))) throw new Error(`${object}.${field}: a map to an expansion`);
      found.push({ object, field, kind: edge.kind, targets: [...edge.targets].sort().join('|') });
    }
  }
  return found.sort((a, b) => compare(a.object, b.object) || compare(a.field, b.field));
}

const compare = (a, b) => (a < b ? -1 : Number(a > b));
