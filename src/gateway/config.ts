import { dirname, resolve } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { DawsonError } from '../errors.js';
import { decodeText, readShippedJson } from '../formats/index.js';
import { parseJson } from '../formats/json.js';
import type { Paper } from '../report/clinical/report-input.js';
import type { Language } from '../report/clinical/texts.js';
import { readSmallFile } from './read-small-file.js';

/** Exams on request are computed before those of the routine. */
export type Priority = 'request' | 'routine';

/** Kinds of objects that a result consists of. */
export type ObjectKind =
  | 'lesions'
  | 'each-lesion'
  | 'measurements'
  | 'report'
  | 'preview'
  | 'change';

/** Files of certificates and keys, in PEM. */
export interface TlsFiles {
  readonly certificate?: string;
  readonly key?: string;
  readonly authorities?: string;
}

export interface Peer {
  readonly title: string;
  readonly address?: string;
  readonly priority: Priority;
}

export interface ReceiverConfig {
  readonly title: string;
  readonly host: string;
  readonly port: number;
  readonly peers: readonly Peer[];
  readonly tls?: TlsFiles;
}

export interface WatchedFolder {
  readonly path: string;
  readonly priority: Priority;
}

/** A service that is asked for what is new: the changes of an Orthanc, or studies by QIDO-RS. */
export interface PollConfig extends DicomwebService {
  readonly name: string;
  readonly kind: 'orthanc' | 'dicomweb';
  readonly priority: Priority;
  readonly everySeconds: number;
  /** For `dicomweb`: by the dates of studies. */
  readonly withinDays: number;
}

export interface JobsConfig {
  readonly atOnce: number;
  readonly threads?: number;
  readonly minutes: number;
  readonly memoryGiB: number;
  readonly attempts: number;
  readonly rules?: string;
  readonly language?: Language;
  readonly paper?: Paper;
}

/** An application entity that is called. */
export interface DicomPeer {
  readonly host: string;
  readonly port: number;
  readonly title: string;
  /** Our own title. */
  readonly from: string;
  readonly tls?: TlsFiles;
}

export interface DicomwebService {
  readonly url: string;
  readonly authorizationFile?: string;
}

/** Where earlier exams are looked for: by C-FIND and C-MOVE, or by QIDO-RS and WADO-RS. */
export type ArchiveConfig =
  | (DicomPeer & { readonly kind: 'dicom' })
  | (DicomwebService & { readonly kind: 'dicomweb' });

export interface EarlierExamsConfig {
  readonly withinYears: number;
  readonly archive?: ArchiveConfig;
  /** At most so many are fetched, the newest. */
  readonly most: number;
  /** An exam waits so long for them. */
  readonly waitMinutes: number;
  /** Forms of descriptions, with `*`, and body parts of which one has to fit, where there are any. */
  readonly descriptions?: readonly string[];
  readonly bodyParts?: readonly string[];
}

interface NamedDestination {
  readonly name: string;
  readonly objects?: readonly ObjectKind[];
}

export interface DicomDestination extends NamedDestination, DicomPeer {
  readonly kind: 'dicom';
  /** Storage commitment is asked for, and all is sent again where it does not come within so long. */
  readonly commitmentMinutes?: number;
}

export interface DicomwebDestination extends NamedDestination, DicomwebService {
  readonly kind: 'dicomweb';
}

export interface FolderDestination extends NamedDestination {
  readonly kind: 'folder';
  readonly path: string;
}

export type Destination = DicomDestination | DicomwebDestination | FolderDestination;

export interface Limits {
  readonly instanceMiB: number;
  readonly studyInstances: number;
  readonly connections: number;
  readonly instancesPerMinute: number;
  readonly freeGiB: number;
}

/** What schemas/gateway-1.schema.json describes, with its defaults; all paths are absolute. */
export interface GatewayConfig {
  readonly state: string;
  /** A PostgreSQL through which workers on other machines get jobs; undefined where they run here. */
  readonly queue?: string;
  /** A file with the password for it. */
  readonly queuePasswordFile?: string;
  readonly receiver?: ReceiverConfig;
  readonly folders: readonly WatchedFolder[];
  readonly polls: readonly PollConfig[];
  readonly quietSeconds: number;
  readonly jobs: JobsConfig;
  readonly earlierExams?: EarlierExamsConfig;
  /** An exam that cannot be analysed delivers a page that says why. */
  readonly reportRefused: boolean;
  readonly destinations: readonly Destination[];
  readonly limits: Limits;
  readonly keep: { readonly imagesDays: number; readonly resultsDays: number };
  readonly page?: { readonly port: number };
}

/**
 * The configuration in a file of the form of schemas/gateway-1.schema.json, in which lines that
 * begin with `//` are comments.
 * @throws DawsonError `bad-configuration`, `file-not-found`.
 */
export async function readConfig(file: string): Promise<GatewayConfig> {
  const value = parsed(await textOf(file), file);
  const schema = (await readShippedJson('schemas/gateway-1.schema.json')) as object;
  const ajv = new Ajv2020({ useDefaults: true, strict: false });
  const validate = ajv.compile(schema) as ValidateFunction<GatewayConfig>;
  if (!validate(value)) {
    const [{ instancePath, message }] = validate.errors!;
    throw refused(file, `${instancePath || 'the document'} ${message}`);
  }
  const config = withAbsolutePaths(withDefaults(value), dirname(resolve(file)));
  requireConsistent(config, file);
  return config;
}

async function textOf(file: string): Promise<string> {
  try {
    return decodeText(await readSmallFile(file)).text;
  } catch (error) {
    throw new DawsonError('file-not-found', {
      file,
      expected: 'the configuration of a gateway',
      found: error instanceof DawsonError ? error.details.found : 'a failure to read it',
      advice: '`dawson gateway init FILE` writes one to begin with.',
    });
  }
}

function parsed(text: string, file: string): unknown {
  try {
    // A line of JSON cannot begin within a text, so that no text begins like this.
    return parseJson(text.replace(/^\s*\/\/.*$/gm, ''));
  } catch (error) {
    throw refused(file, (error as Error).message);
  }
}

const refused = (file: string, found: string) =>
  new DawsonError('bad-configuration', {
    file,
    expected: 'a document in the form of schemas/gateway-1.schema.json',
    found,
  });

type Given = Partial<GatewayConfig> & Pick<GatewayConfig, 'state' | 'destinations'>;

/** The schema fills in fields of parts that are there; these are the parts. */
const withDefaults = (given: Given): GatewayConfig => ({
  ...given,
  folders: given.folders ?? [],
  // The schema fills in nothing where there are alternatives.
  polls: (given.polls ?? []).map((poll) => ({
    ...{ priority: 'routine', everySeconds: poll.kind === 'orthanc' ? 10 : 60, withinDays: 2 },
    ...poll,
  })),
  quietSeconds: given.quietSeconds ?? 60,
  reportRefused: given.reportRefused ?? false,
  jobs: { atOnce: 1, minutes: 30, memoryGiB: 8, attempts: 5, ...given.jobs },
  limits: {
    instanceMiB: 512,
    studyInstances: 20_000,
    connections: 16,
    instancesPerMinute: 60_000,
    freeGiB: 5,
    ...given.limits,
  },
  keep: { imagesDays: 30, resultsDays: 3650, ...given.keep },
});

function withAbsolutePaths(config: GatewayConfig, folder: string): GatewayConfig {
  const absolute = (path: string) => resolve(folder, path);
  const optional = (path: string | undefined) => (path === undefined ? path : absolute(path));
  const tls = (files: TlsFiles | undefined) =>
    files && {
      certificate: optional(files.certificate),
      key: optional(files.key),
      authorities: optional(files.authorities),
    };
  const { receiver, earlierExams } = config;
  const connection = <T extends { kind: string }>(place: T): T => ({
    ...place,
    ...('authorizationFile' in place && {
      authorizationFile: optional(place.authorizationFile as string | undefined),
    }),
    ...('tls' in place && { tls: tls(place.tls as TlsFiles | undefined) }),
  });
  return {
    ...config,
    state: absolute(config.state),
    queuePasswordFile: optional(config.queuePasswordFile),
    receiver: receiver && { ...receiver, tls: tls(receiver.tls) },
    folders: config.folders.map((watched) => ({ ...watched, path: absolute(watched.path) })),
    polls: config.polls.map((poll) => ({
      ...poll,
      authorizationFile: optional(poll.authorizationFile),
    })),
    jobs: { ...config.jobs, rules: optional(config.jobs.rules) },
    ...(earlierExams && {
      earlierExams: {
        ...earlierExams,
        archive: earlierExams.archive && connection(earlierExams.archive),
      },
    }),
    destinations: config.destinations.map(
      (destination): Destination =>
        destination.kind === 'folder'
          ? { ...destination, path: absolute(destination.path) }
          : connection(destination),
    ),
  };
}

/** What the schema cannot say. */
function requireConsistent(config: GatewayConfig, file: string): void {
  const { receiver, folders, polls, destinations, page, state, queue } = config;
  if (queue !== undefined) requireNoSecret(queue, file);
  if (!receiver && folders.length === 0 && polls.length === 0) {
    throw refused(file, 'neither receiver nor folders nor polls');
  }
  for (const [what, named] of Object.entries({ destinations, polls })) {
    const names = named.map(({ name }) => name);
    const repeated = names.find((name, at) => names.indexOf(name) !== at);
    if (repeated !== undefined) throw refused(file, `two ${what} named ${repeated}`);
  }
  if (receiver && page?.port === receiver.port) {
    throw refused(file, 'one port for receiver and page');
  }
  if (receiver?.tls && !(receiver.tls.certificate && receiver.tls.key)) {
    throw refused(file, 'receiver.tls without certificate and key');
  }
  const answering = [
    config.earlierExams?.archive,
    ...destinations.filter((one) => one.kind === 'dicom' && one.commitmentMinutes !== undefined),
  ];
  for (const peer of answering) {
    if (peer?.kind !== 'dicom') continue;
    // These call back: an archive with earlier exams, a destination with its commitment.
    if (receiver?.title !== peer.from) {
      throw refused(file, `no receiver with the title ${peer.from}, which ${peer.title} calls`);
    }
    if (!receiver.peers.some(({ title }) => title === peer.title)) {
      throw refused(file, `${peer.title}, which calls the receiver, is no peer of it`);
    }
  }
  const written = [
    state,
    ...destinations.flatMap((place) => (place.kind === 'folder' ? [place.path] : [])),
  ];
  const within = (inner: string, outer: string) => `${inner}/`.startsWith(`${outer}/`);
  const clash = folders.find(({ path }) =>
    written.some((place) => within(path, place) || within(place, path)),
  );
  if (clash) throw refused(file, `a watched folder within what the gateway writes: ${clash.path}`);
}

/** Secrets are in files or in the environment, and an error does not repeat them. */
function requireNoSecret(queue: string, file: string): void {
  const url = URL.canParse(queue) ? new URL(queue) : undefined;
  if (url === undefined) throw refused(file, 'a queue that is no URL');
  if (url.password === '' && !url.searchParams.has('password')) return;
  throw refused(
    file,
    'a queue with a password in it, which belongs into queuePasswordFile or PGPASSWORD',
  );
}
