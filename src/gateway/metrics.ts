/** What is counted, and what each number means. */
const counters = {
  receivedInstances: 'Images that came and were kept',
  refusedInstances: 'Images that came and were not kept',
  refusedConnections: 'Connections and associations that were refused',
  jobsDone: 'Exams analysed',
  jobsRefused: 'Exams that cannot be analysed',
  jobsFailed: 'Exams of which the analysis failed',
  jobAttemptsFailed: 'Analyses that failed and are tried again',
  deliveries: 'Results that a destination confirmed',
  deliveryAttemptsFailed: 'Deliveries that failed and are tried again',
} as const;

export type CounterName = keyof typeof counters;

/** Counts since the gateway was started. */
export class Metrics {
  readonly #values = new Map<CounterName, number>();

  add(name: CounterName, by = 1): void {
    this.#values.set(name, this.get(name) + by);
  }

  get(name: CounterName): number {
    return this.#values.get(name) ?? 0;
  }

  /**
   * The counts and what stands in the queue in the text format of Prometheus.
   * @param gauges numbers that go up and down, by what they mean
   */
  text(gauges: readonly Gauge[]): string {
    const lines = (Object.keys(counters) as CounterName[]).flatMap((name) => {
      const metric = `dawson_gateway_${snake(name)}_total`;
      return [
        `# HELP ${metric} ${counters[name]}`,
        `# TYPE ${metric} counter`,
        `${metric} ${this.get(name)}`,
      ];
    });
    for (const { name, help, values } of gauges) {
      const metric = `dawson_gateway_${snake(name)}`;
      lines.push(`# HELP ${metric} ${help}`, `# TYPE ${metric} gauge`);
      for (const [label, value] of Object.entries(values)) {
        lines.push(`${metric}${label === '' ? '' : `{state="${label}"}`} ${value}`);
      }
    }
    return `${lines.join('\n')}\n`;
  }
}

export interface Gauge {
  readonly name: string;
  readonly help: string;
  /** By state; one of the name `''` has none. */
  readonly values: Readonly<Record<string, number>>;
}

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
