/** What `dawson gateway init` writes: a configuration to begin with, every part of it explained. */
export const exampleConfig = `// Configuration of a Dawson gateway; docs/gateway.md explains it.
// Lines that begin with // are comments. Paths are relative to this file's folder.
// \`dawson gateway --config FILE --check\` tries every connection and says what is wrong.
{
  "schema": "dawson-gateway",
  "schemaVersion": 1,

  // Queue, images and results lie here. It needs a local disk and belongs to one gateway.
  "state": "gateway-state",

  // Where several machines work: a PostgreSQL from which \`dawson gateway work\` on each takes jobs.
  // "queue": "postgres://dawson@database/dawson", "queuePasswordFile": "queue-password",

  // Exams come by C-STORE. To be reached from other machines, set host to this machine's address.
  "receiver": {
    "title": "DAWSON",
    "host": "127.0.0.1",
    "port": 11112,
    // Who may send. With "address" only from there. "request" goes before "routine".
    "peers": [{ "title": "PACS", "priority": "routine" }]
    // Encrypted: "tls": { "certificate": "our.crt", "key": "our.key", "authorities": "peers.crt" }
  },

  // Folders into which exams are put. Files that are taken in are REMOVED from them.
  "folders": [],

  // Services that are asked for new MR studies: the changes of an Orthanc, or DICOMweb.
  // { "name": "orthanc", "kind": "orthanc", "url": "http://127.0.0.1:8042", "everySeconds": 10 }
  // { "name": "web", "kind": "dicomweb", "url": "http://127.0.0.1:8042/dicom-web", "withinDays": 2 }
  "polls": [],

  // An exam is ready when none of its images came for so long.
  "quietSeconds": 60,

  "jobs": {
    // Exams computed at the same time: each takes some 3 GiB of memory.
    "atOnce": 1,
    // A job that takes longer or more is stopped.
    "minutes": 30,
    "memoryGiB": 8,
    // For failures that may pass, such as a full disk.
    "attempts": 5,
    "language": "en",
    "paper": "a4"
  },

  // Exams of the same patient that were analysed here are compared; take this away for none.
  "earlierExams": {
    "withinYears": 10
    // Those that were never here are fetched, by C-FIND and C-MOVE (or "dicomweb" with "url"):
    // "archive": { "kind": "dicom", "host": "127.0.0.1", "port": 4242, "title": "PACS", "from": "DAWSON" },
    // "most": 3, "waitMinutes": 30, "descriptions": ["*brain*", "*head*"], "bodyParts": ["BRAIN", "HEAD"]
  },

  // An exam that cannot be analysed delivers a PDF that says why.
  "reportRefused": false,

  // Where results go: "dicom" (C-STORE), "dicomweb" (STOW-RS), "folder".
  // "objects" names what is sent: lesions, each-lesion, measurements, report, preview, change
  // (the preview in colours of what changed, with an earlier exam); else all.
  "destinations": [
    {
      "name": "pacs",
      "kind": "dicom",
      "host": "127.0.0.1",
      "port": 4242,
      "title": "PACS",
      "from": "DAWSON",
      // Storage commitment, where the peer has it: "commitmentMinutes": 60,
      "objects": ["lesions", "measurements", "report", "preview", "change"]
    },
    { "name": "copy", "kind": "folder", "path": "results" }
  ],

  // With less free disk space nothing more is taken in, and peers are told so.
  "limits": { "freeGiB": 5 },

  // Images go after so many days, results (with which later exams are compared) after more.
  "keep": { "imagesDays": 30, "resultsDays": 3650 },

  // Status page, /health and /metrics, for this machine only.
  "page": { "port": 8104 }
}
`;
