/** Says how much of a piece of work is done, such as 3 of 12 windows. */
export type Progress = (done: number, all: number) => void;

/** Runs one named piece of work; whoever provides it may show that it is under way and time it. */
export type Stage = <T>(name: string, work: (onProgress: Progress) => Promise<T>) => Promise<T>;

/** A stage that also records how long each piece of work took, in seconds. Pieces may overlap. */
export function timed(stage: Stage, secondsPerStage: Record<string, number>): Stage {
  return (name, work) =>
    stage(name, async (onProgress) => {
      const startMs = performance.now();
      const result = await work(onProgress);
      secondsPerStage[name] = Math.round(performance.now() - startMs) / 1000;
      return result;
    });
}
