import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const source = fileURLToPath(new URL('../src', import.meta.url));

/** The layers of docs/architecture.md: each may import only from itself and from those above it. */
const layers = [
  'errors.ts',
  'counted.ts',
  'with-defaults.ts',
  'sequences.ts',
  'remarks.ts',
  'require-node.ts',
  'version.ts',
  'stage.ts',
  'workers.ts',
  'run.ts',
  'volume',
  'formats',
  'jobs',
  'graph',
  'network',
  'model',
  'evaluate',
  'preprocess',
  'segment',
  'quantify',
  'synthesize',
  'train',
  'report',
  'dicom',
  'analysis-options.ts',
  'analyze.ts',
  'write-analysis.ts',
  'track.ts',
  'analyze-dicom.ts',
  'report-exam.ts',
  'cohort',
  'batch.ts',
  'experiments',
  'gateway',
  'index.ts',
  'cli',
];
/** Starts in its own thread and calls what it is told; it belongs to workers.ts. */
const layerOf = (file: string) =>
  layers.indexOf(file.replace('worker-main.ts', 'workers.ts').split('/')[0]);

const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replaceAll('\\', '/'));

function importsOf(file: string): string[] {
  const text = readFileSync(join(source, file), 'utf8');
  const pattern = /(?:from\s+|import\s*\(?\s*)'(\.[^']+)'/g;
  return [...text.matchAll(pattern)].map((match) =>
    relative(source, resolve(source, dirname(file), match[1]))
      .replaceAll('\\', '/')
      .replace(/\.js$/, '.ts'),
  );
}

describe('the architecture', () => {
  it('knows the layer of every file', () => {
    expect(files.filter((file) => layerOf(file) < 0)).toEqual([]);
  });

  it('lets a layer import only from itself and the layers above it', () => {
    const upward = files.flatMap((file) =>
      importsOf(file)
        .filter((imported) => layerOf(imported) > layerOf(file))
        .map((imported) => `${file} -> ${imported}`),
    );
    expect(upward).toEqual([]);
  });

  it('has no import cycles', () => {
    const state = new Map<string, 'open' | 'done'>();
    const cycles: string[] = [];
    const visit = (file: string, path: string[]) => {
      if (state.get(file) === 'done') return;
      if (state.get(file) === 'open') {
        cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
        return;
      }
      state.set(file, 'open');
      for (const imported of importsOf(file)) visit(imported, [...path, file]);
      state.set(file, 'done');
    };
    for (const file of files) visit(file, []);
    expect(cycles).toEqual([]);
  });

  it('keeps volume/ free of input and output', () => {
    const withIo = files
      .filter((file) => file.startsWith('volume/'))
      .filter((file) =>
        /'node:(fs|net|http|child_process)/.test(readFileSync(join(source, file), 'utf8')),
      );
    expect(withIo).toEqual([]);
  });
});
