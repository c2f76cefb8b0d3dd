// Module boundaries, checked on source text (no TS compiler API: TypeScript 7 has none that tools can use yet).
// 1. every bare import is declared in that package's own package.json   2. apps import libs, never apps
// 3. libs import only libs of a lower `layer:N` tag   4. no deep or cross-project relative imports
// 5. tsconfig references == @sluice/* dependencies
import { globSync, readFileSync } from 'node:fs';
import { builtinModules, stripTypeScriptTypes } from 'node:module';
import { dirname, relative, resolve } from 'node:path';

interface Pkg {
  name: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  nx: { tags: string[] };
}
const read = <T>(f: string): T => JSON.parse(readFileSync(f, 'utf8')) as T;
const rootDev = new Set(Object.keys(read<Pkg>('package.json').devDependencies ?? {}));
const projects = globSync('{apps,libs}/*/package.json').map((f) => ({ root: dirname(f), pkg: read<Pkg>(f) }));
const byName = new Map(projects.map((p) => [p.pkg.name, p]));
const layer = (p: Pkg): number => (p.nx.tags.includes('type:app') ? Infinity : Number(p.nx.tags.find((t) => t.startsWith('layer:'))?.slice(6)));
const errors: string[] = [];
const IMPORT = /(?:^|[\s;}])(?:import|export)\s*(?:[\w*{}\s,$]+?\s*from\s*)?["']([^"']+)["']|\bimport\s*\(\s*["']([^"']+)["']/g;

for (const { root, pkg } of projects) {
  const deps = new Set(Object.keys(pkg.dependencies ?? {}));
  for (const file of globSync(`${root}/src/**/*.ts`)) {
    const src = readFileSync(file, 'utf8');
    stripTypeScriptTypes(src); // also proves the file is erasable-only
    for (const m of src.matchAll(IMPORT)) {
      const spec = m[1] ?? m[2] ?? '';
      if (spec.startsWith('node:')) continue;
      if (builtinModules.includes(spec)) errors.push(`${file}: '${spec}' needs the node: prefix`);
      else if (spec.startsWith('.')) {
        if (relative(resolve(root), resolve(dirname(file), spec)).startsWith('..')) errors.push(`${file}: '${spec}' leaves the project`);
      } else {
        const name = spec.split('/').slice(0, spec.startsWith('@') ? 2 : 1).join('/');
        const to = byName.get(name);
        if (to && spec !== name) errors.push(`${file}: deep import '${spec}'`);
        if (to && !(layer(to.pkg) < layer(pkg))) errors.push(`${file}: ${pkg.name} may not import ${name}`);
        if (!deps.has(name) && !(file.endsWith('.test.ts') && rootDev.has(name))) errors.push(`${file}: '${name}' is not in ${root}/package.json`);
      }
    }
  }
  const want = [...deps].filter((d) => byName.has(d)).map((d) => relative(root, byName.get(d)?.root ?? '')).toSorted();
  const refs = read<{ references: { path: string }[] }>(`${root}/tsconfig.json`).references.map((r) => r.path).toSorted();
  if (want.join() !== refs.join()) errors.push(`${root}/tsconfig.json: references [${refs.join()}] should be [${want.join()}]`);
}
for (const e of errors) console.error(e);
console.log(`boundaries: ${projects.length} projects, ${errors.length} errors`);
process.exitCode = errors.length > 0 ? 1 : 0;
