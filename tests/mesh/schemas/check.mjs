// Checks Kubernetes manifests against their projects' own CRD schemas: reads a JSON array of
// manifests from standard input, and writes an array of the same length. Each element is a list of
// the faults in one manifest, which is empty if there are none.
//
// There are two checks, because neither finds everything. The validators made from the CRDs check
// values: enumerations, patterns, required members. The types made from them check names: a member
// that no schema has, which the API server would drop silently.
import path from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const PACKAGES = {
  "extensions.istio.io": "istio",
  "networking.istio.io": "istio",
  "security.istio.io": "istio",
  "telemetry.istio.io": "istio",
  "gateway.envoyproxy.io": "envoy-gateway",
  "gateway.networking.k8s.io": "gateway-api",
};

function module(manifest) {
  const [group, version] = String(manifest.apiVersion).split("/");
  const name = PACKAGES[group];
  return version && name && `@kubernetes-models/${name}/${group}/${version}`;
}

async function wrongValues(manifest) {
  const from = module(manifest);
  const Model = from && (await import(from).catch(() => ({})))[manifest.kind];
  if (!Model) return [`no schema is known for ${manifest.apiVersion} ${manifest.kind}`];
  try {
    new Model(manifest).validate();
    return [];
  } catch (error) {
    if (!Array.isArray(error.errors)) throw error;
    return error.errors.map(({ instancePath, message }) => `${instancePath}: ${message}`);
  }
}

// One constant for each manifest, with the type made from its CRD. TypeScript's errors on its line
// are the manifest's.
function wrongNames(manifests) {
  const lines = manifests.map((manifest, index) => {
    const from = module(manifest);
    if (!from) return "";
    const type = `import(${JSON.stringify(from)}).I${manifest.kind}`;
    return `export const manifest${index}: ${type} = ${JSON.stringify(manifest)};`;
  });
  const file = path.join(path.dirname(fileURLToPath(import.meta.url)), "manifests.ts");
  const options = {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    noEmit: true,
    skipLibCheck: true,
    strict: true,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const original = { fileExists: host.fileExists, readFile: host.readFile };
  host.fileExists = (name) => name === file || original.fileExists(name);
  host.readFile = (name) => (name === file ? lines.join("\n") : original.readFile(name));
  const program = ts.createProgram([file], options, host);
  const wrong = manifests.map(() => []);
  for (const { file: where, start, messageText } of ts.getPreEmitDiagnostics(program)) {
    const text = ts.flattenDiagnosticMessageText(messageText, " ");
    if (where?.fileName !== file) throw new Error(text);
    wrong[where.getLineAndCharacterOfPosition(start).line].push(text);
  }
  return wrong;
}

let text = "";
for await (const chunk of process.stdin) text += chunk;
const manifests = JSON.parse(text);
const names = wrongNames(manifests);
const said = await Promise.all(manifests.map(async (manifest, index) => [...(await wrongValues(manifest)), ...names[index]]));
process.stdout.write(JSON.stringify(said));
