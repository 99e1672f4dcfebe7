// Synthetic pairs as whole heads whose FLAIRs went through `dawson segment`, kept in a folder.
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readVolume, writeNifti } from '../../dist/formats/index.js';
import { listHeads, readLesionLibrary } from '../../dist/train/synthesize/prepare-heads.js';
import { connectedComponents } from '../../dist/volume/components.js';
import { onGrid } from '../../dist/volume/volume.js';
import { dawson } from './dawson.js';
import { syntheticPair } from './synthetic-pair.js';

/** One pair in four is without any change. */
export const changesIn = (seed) => seed % 4 !== 3;

/**
 * A synthetic pair as folders of results, with the truth in the body; made where it is not there yet.
 * @param folder keeps the pairs, each under its seed; @param sources {data, cache}
 * @returns undefined where the program refuses an exam
 */
export async function segmentedPair(seed, folder, { data, cache }) {
  const kept = join(folder, String(seed));
  if (!existsSync(kept)) await makePair(seed, kept, { data, cache });
  const { poses, refused } = JSON.parse(await readFile(join(kept, 'pair.json'), 'utf8'));
  if (refused) return undefined;
  const { volume: either } = await readVolume(join(kept, 'truth.nii.gz'));
  return {
    seed,
    changes: changesIn(seed),
    folders: [join(kept, 'exam0'), join(kept, 'exam1')],
    poses,
    truth: truthFrom(either),
  };
}

async function makePair(seed, kept, { data, cache }) {
  const synthesis = join(data, 'synthesis');
  const { visits } = await syntheticPair(seed, {
    changes: changesIn(seed),
    wholeHead: true,
    headFiles: await listHeads(synthesis),
    library: await readLesionLibrary(synthesis),
    cacheFolder: cache,
  });
  const staging = `${kept}.part`;
  mkdirSync(staging, { recursive: true });
  const [first, second] = visits.map(({ anatomy }) => anatomy);
  const either = Uint8Array.from(first.mask, (value, at) => value + 2 * second.mask[at]);
  await writeNifti(join(staging, 'truth.nii.gz'), onGrid(first.grid, either));
  let refused = false;
  for (const [visit, { flair }] of visits.entries()) {
    const file = join(staging, `flair${visit}.nii.gz`);
    await writeNifti(file, flair);
    // The generator draws contrasts that no scanner has, and heads of unusual size.
    const out = join(staging, `exam${visit}`);
    try {
      dawson('segment', '--flair', file, '--out', out, '--no-report', '--ignore-quality');
    } catch (error) {
      if (error.exitStatus === undefined) throw error;
      refused = true;
      break;
    }
  }
  const poses = visits.map(({ pose }) => pose);
  await writeFile(join(staging, 'pair.json'), JSON.stringify({ seed, poses, refused }));
  renameSync(staging, kept);
}

/** Lesions of both exams that touch in the body, with their volumes in either exam, ml. */
function truthFrom(either) {
  const mask = onGrid(
    either,
    Uint8Array.from(either.data, (value) => (value ? 1 : 0)),
  );
  const { labels, count } = connectedComponents(mask, 26);
  const voxelMl = either.affine[0] ** 3 / 1000;
  const volumesMl = Array.from({ length: count + 1 }, () => [0, 0]);
  labels.data.forEach((label, at) => {
    volumesMl[label][0] += voxelMl * (either.data[at] & 1);
    volumesMl[label][1] += voxelMl * (either.data[at] >> 1);
  });
  return { either, labels, volumesMl };
}
