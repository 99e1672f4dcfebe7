import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { readShippedJson } from '../formats/index.js';
import { readJson } from '../formats/read-json.js';
import type { SequenceName } from '../preprocess/exam.js';
import { refused } from './refusal.js';
import { planeOf } from './stack-kind.js';
import type { Stack } from './stacks.js';
import type { Series } from './study.js';

interface Range {
  readonly least?: number;
  readonly most?: number;
}

/** What a site says about series of its scanners; every condition has to hold. */
export interface SiteRule {
  readonly use: SequenceName | 'none';
  readonly where: {
    readonly description?: string;
    readonly protocol?: string;
    readonly manufacturer?: string;
    readonly series?: string;
    readonly seriesNumber?: number;
    readonly dimensions?: '2D' | '3D';
    readonly plane?: 'axial' | 'coronal' | 'sagittal';
    readonly contrastAgent?: boolean;
    readonly repetitionMs?: Range;
    readonly echoMs?: Range;
    readonly inversionMs?: Range;
  };
}

const schemaFile = 'schemas/dicom-rules-1.schema.json';

/**
 * The rules in a file of the form of schemas/dicom-rules-1.schema.json.
 * @throws DawsonError `bad-rules`, `file-not-found`, `file-corrupt`.
 */
export async function readSiteRules(file: string): Promise<readonly SiteRule[]> {
  const value = await readJson(file);
  const schema = (await readShippedJson(schemaFile)) as object;
  const validate = new Ajv2020().compile(schema) as ValidateFunction<{ rules: SiteRule[] }>;
  if (validate(value)) return value.rules;
  const [{ instancePath, message }] = validate.errors!;
  throw refused({
    code: 'bad-rules',
    file,
    expected: 'rules in the form of schemas/dicom-rules-1.schema.json',
    found: `${instancePath || 'the document'} ${message}`,
  });
}

/** The first rule that a stack of a series matches, and its place in the file, counted from 1. */
export function ruleFor(
  rules: readonly SiteRule[],
  series: Series,
  stack: Stack,
): { use: SiteRule['use']; number: number } | undefined {
  const index = rules.findIndex(({ where }) => matches(where, series, stack));
  return index < 0 ? undefined : { use: rules[index].use, number: index + 1 };
}

function matches(where: SiteRule['where'], series: Series, stack: Stack): boolean {
  const { instance, frame } = stack.slices[0];
  const { protocol } = instance;
  const same = <T>(wanted: T | undefined, value: T | undefined) =>
    wanted === undefined || wanted === value;
  return (
    like(where.description, series.description) &&
    like(where.protocol, protocol.name) &&
    like(where.manufacturer, protocol.manufacturer) &&
    same(where.series, series.uid) &&
    same(where.seriesNumber, series.number) &&
    same(where.dimensions, protocol.dimensions) &&
    same(where.plane, planeOf(stack)) &&
    same(where.contrastAgent, protocol.contrastAgent) &&
    within(where.repetitionMs, protocol.repetitionMs) &&
    within(where.echoMs, frame.echoMs) &&
    within(where.inversionMs, protocol.inversionsMs[0])
  );
}

function within(range: Range | undefined, value: number | undefined): boolean {
  if (range === undefined) return true;
  const { least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY } = range;
  return value !== undefined && value >= least && value <= most;
}

/** Whether a text is of a form with `*` for any characters; without a regular expression, which could be made to take for ever. */
export function like(pattern: string | undefined, text: string | undefined): boolean {
  if (pattern === undefined) return true;
  if (text === undefined) return false;
  const [first, ...parts] = pattern.toLowerCase().split('*');
  const last = parts.pop();
  const value = text.toLowerCase();
  if (last === undefined) return value === first;
  if (!value.startsWith(first)) return false;
  let at = first.length;
  for (const part of parts) {
    const found = value.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return value.length - last.length >= at && value.endsWith(last);
}
