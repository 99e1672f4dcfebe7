import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Node, type SourceFile, SyntaxKind } from 'typescript/unstable/ast';
import { API } from 'typescript/unstable/sync';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const mostLines = 80;

/** Loops over voxels that a call in their middle would slow down; each says so. */
const kernels = ['mutualInformation of preprocess/mutual-information.ts'];

const functionKinds = new Set([
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.FunctionExpression,
  SyntaxKind.ArrowFunction,
  SyntaxKind.MethodDeclaration,
  SyntaxKind.Constructor,
  SyntaxKind.GetAccessor,
  SyntaxKind.SetAccessor,
]);

/** Functions of a file above {@link mostLines}, but for those inside of one that is listed already. */
function longFunctions(file: SourceFile, name: string): string[] {
  const visit = (node: Node): string[] => {
    if (functionKinds.has(node.kind)) {
      const lines = file.text.slice(node.getStart(file), node.end).split('\n').length;
      const { text } = (node as Node & { name?: { text?: string } }).name ?? {};
      if (lines > mostLines) return [`${text ?? `${lines} lines`} of ${name}`];
    }
    const found: string[] = [];
    node.forEachChild((child) => {
      found.push(...visit(child));
      return undefined;
    });
    return found;
  };
  return visit(file);
}

describe('the docstrings of src/', () => {
  it('say what a thing is, and do not begin with what it is of', () => {
    const files = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' });
    const begun = files.filter(
      (file) =>
        file.endsWith('.ts') &&
        /\/\*\*\s+(\* )?Of /.test(readFileSync(`${root}src/${file}`, 'utf8')),
    );
    expect(begun).toEqual([]);
  });
});

describe('the functions of src/', () => {
  it(`have at most ${mostLines} lines, but for kernels that say so`, () => {
    const api = new API({ cwd: root });
    try {
      const snapshot = api.updateSnapshot({ openProject: `${root}tsconfig.build.json` });
      const [{ program }] = snapshot.getProjects();
      const files = program.getSourceFileNames().filter((name) => name.startsWith(`${root}src/`));
      expect(files.length).toBeGreaterThan(400);
      const long = files.flatMap((file) =>
        longFunctions(program.getSourceFile(file)!, file.slice(`${root}src/`.length)),
      );
      expect(long.sort()).toEqual(kernels);
    } finally {
      api.close();
    }
  });
});
