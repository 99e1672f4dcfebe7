import type { ErrorCode, FailureDetails } from '../errors.js';

/** Where networks run: names of ONNX Runtime's providers. */
export const devices = ['cpu', 'webgpu', 'cuda'] as const;
export type Device = (typeof devices)[number];

export interface EngineSettings {
  readonly device: Device;
  /** Threads of one operator on the CPU. */
  readonly threads: number;
  /**
   * Whether threads without work wait actively: a sixth faster where the engine has its cores to
   * itself, slower where something else needs them. Not by default.
   */
  readonly spinning?: boolean;
}

export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Uint8Array;
}
export type Tensors = Readonly<Record<string, Tensor>>;

/**
 * An output of this name and an input's name replaces the input in the next run. Both stay in the
 * worker.
 */
export const nextPrefix = 'next ';

export type EngineRequest =
  | {
      readonly kind: 'load';
      readonly model: Uint8Array;
      /** The session whose state is used, or a state of its own. */
      readonly state: number | Tensors;
    }
  | {
      readonly kind: 'run';
      readonly session: number;
      readonly feeds: Tensors;
      readonly fetches: readonly string[];
    }
  | { readonly kind: 'readState' | 'release'; readonly session: number }
  | { readonly kind: 'close' };

export type EngineReply =
  | { readonly id: number; readonly value: number | Tensors | undefined }
  | {
      readonly id: number;
      readonly failure: { readonly code: ErrorCode; readonly details: FailureDetails };
    }
  | { readonly id: number; readonly defect: string };
