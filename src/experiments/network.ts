import { createHash } from 'node:crypto';
import { version } from '../version.js';
import type { ExperimentTraining } from './experiment.js';

/** A network that an experiment needs: all that tells it from others. */
export interface NetworkSpec {
  /** Path of the data set, as the experiment's file has it. */
  readonly dataset: string;
  /** Names of the cases to train on, sorted. */
  readonly cases: readonly string[];
  readonly channels: readonly string[];
  readonly training: ExperimentTraining;
}

/** What finds lesions: a network of the experiment, a model that is there, or a method of Dawson's. */
export type System =
  | { readonly network: NetworkSpec }
  | { readonly model: string }
  | { readonly segmenter: 'lesions' | 'lst-lga' };

/** The same for two questions that need the same, so that it is made once. */
export const idOf = (what: NetworkSpec | System): string =>
  createHash('sha256')
    .update(JSON.stringify([version, 'network' in what ? what.network : what]))
    .digest('hex')
    .slice(0, 12);

/** A set of cases that a system is judged on, and which part of which question it answers. */
export interface Trial {
  /** Number of the question, from 0; the network of all training cases belongs to none. */
  readonly question?: number;
  readonly title: string;
  readonly system: System;
  readonly cases: readonly string[];
  /** The value left out, or trained on alone. */
  readonly value?: string;
  readonly fraction?: number;
  readonly repeat?: number;
}
