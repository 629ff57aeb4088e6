/**
 * Builds what is published: `dist/esm` and `dist/cjs`, each with its declarations. No bundler: the files stay what they
 * are, and peers are imported, never taken in.
 *
 * The rule easy to break: which of both a file becomes, and how it finds a peer's types, goes by the package.json
 * beside it. So the sources are compiled twice, from a copy under each kind of package.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, 'dist');
const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');

const RELATIVE_IMPORT = /((?:from |import |import\()(['"])\.{1,2}\/[^'"]*)\.ts(\2)/g;

rmSync(dist, { recursive: true, force: true });
build('esm', 'module');
build('cjs', 'commonjs');

/** Below the package's folder, so that peers are found in its node_modules. */
function build(name, type) {
  const copy = join(dist, `${name}-sources`);
  const out = join(dist, name);
  mkdirSync(out, { recursive: true });
  copySources(join(root, 'src'), copy);
  for (const folder of [copy, out]) {
    writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ type, sideEffects: false })}\n`);
  }
  writeFileSync(join(copy, 'tsconfig.json'), JSON.stringify(configuration(out, type)));
  const { status } = spawnSync(process.execPath, [compiler, '-p', copy], { stdio: 'inherit' });
  rmSync(copy, { recursive: true });
  if (status !== 0) {
    process.exit(1);
  }
}

function configuration(outDir, type) {
  return {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      allowImportingTsExtensions: false,
      rewriteRelativeImportExtensions: false,
      declaration: true,
      rootDir: '.',
      outDir,
      typeRoots: [join(root, 'node_modules', '@types')],
      verbatimModuleSyntax: type === 'module', // in CommonJS it would forbid `import`
    },
    include: ['.'],
  };
}

/** What is imported as `./x.ts` is `./x.js` when it is published, in code and in declarations. */
function copySources(from, to) {
  for (const file of readdirSync(from, { recursive: true }).filter((name) => name.endsWith('.ts'))) {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    const source = readFileSync(join(from, file), 'utf8');
    writeFileSync(join(to, file), source.replace(RELATIVE_IMPORT, '$1.js$3'));
  }
}
