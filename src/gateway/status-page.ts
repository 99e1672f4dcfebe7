import { htmlPage } from '../report/html-page.js';
import type { WorkerStatus } from './job-place.js';
import type { ExamStatus, GatewayStatus } from './status.js';

const style = `
  :root { color-scheme: light dark; }
  body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 76rem; padding: 1rem 1.5rem 3rem; }
  h1 { font-size: 1.4rem; margin: 0.5rem 0 0; } h2 { font-size: 1.1rem; margin: 2rem 0 0.5rem; }
  dl { display: flex; flex-wrap: wrap; gap: 0.5rem 2rem; margin: 1rem 0; }
  dl div { min-width: 6rem; } dt { font-size: 0.85rem; } dd { margin: 0; font-size: 1.4rem; font-variant-numeric: tabular-nums; }
  table { border-collapse: collapse; width: 100%; }
  th, td { text-align: left; vertical-align: top; padding: 0.4rem 0.8rem 0.4rem 0; border-bottom: 1px solid #8886; }
  td { font-variant-numeric: tabular-nums; } code { font-size: 0.9em; }
  .scroll { overflow-x: auto; } .warning { border-left: 4px solid #c33; padding: 0.3rem 0.8rem; }
  .failed b, .refused b { border-bottom: 2px solid #c33; } td b { font-weight: 600; } .time { white-space: nowrap; } ul { margin: 0; padding-left: 1rem; }
`;

/** The page on which people see what a gateway does, as HTML without scripts. */
export function statusPage(status: GatewayStatus): string {
  const { jobs, deliveries, full, stalled, last, workers } = status;
  const numbers: [string, number][] = [
    ['Arriving', status.arriving],
    ['Waiting', jobs.waiting ?? 0],
    ['Running', jobs.running ?? 0],
    ['Done', jobs.done ?? 0],
    ['Refused', jobs.refused ?? 0],
    ['Failed', jobs.failed ?? 0],
    ['To be delivered', deliveries.waiting ?? 0],
    ['To be committed to', deliveries.stored ?? 0],
    ['Delivered', deliveries.delivered ?? 0],
  ];
  const body = `<main>
<h1>Dawson gateway</h1>
<p>${text(status.time.slice(0, 19).replace('T', ' '))} UTC, version ${text(status.version)}, up for ${duration(status.upSeconds)}, ${status.freeGiB.toFixed(0)} GiB of disk space free. <a href="/">Look again</a></p>
${full === undefined ? '' : `<p class="warning" role="status">Nothing more is taken in: ${text(full)}.</p>`}
${stalled === undefined ? '' : `<p class="warning" role="status">Nothing is analysed: ${text(stalled)}.</p>`}
<dl>${numbers.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join('')}</dl>
${workers === undefined || workers.length === 0 ? '' : `<p>Workers: ${workers.map(workerText).join('; ')}.</p>`}
<h2 id="exams">Exams that changed last</h2>
${last.length === 0 ? '<p>None yet.</p>' : table(last)}
<p>Not a medical device: results are not for diagnosis.</p>
</main>`;
  return htmlPage('Dawson gateway', body, { style });
}

const workerText = ({ machine, version, running, slots }: WorkerStatus) =>
  `${text(machine)} (version ${text(version)}), ${running} of ${slots} running`;

const table = (
  exams: readonly ExamStatus[],
) => `<div class="scroll" role="region" aria-labelledby="exams" tabindex="0"><table>
<thead><tr><th scope="col">Job</th><th scope="col">Study, version</th><th scope="col">Arrived (UTC)</th><th scope="col">Images</th><th scope="col">State</th><th scope="col">Delivered</th></tr></thead>
<tbody>${exams.map(row).join('')}</tbody>
</table></div>`;

function row(exam: ExamStatus): string {
  const { job, study, version, state, arrived, images, seconds, reason, earlierExams } = exam;
  const details = [
    seconds === undefined ? undefined : `${seconds.toFixed(1)} s`,
    exam.attempts > 1 ? `${exam.attempts} attempts` : undefined,
    earlierExams > 0 ? `compared with ${earlierExams} earlier` : undefined,
    ...exam.remarks,
    reason,
  ].filter((detail) => detail !== undefined);
  return `<tr>
<th scope="row"><code>${text(job.slice(0, 12))}</code></th>
<td><code>${text(study.slice(0, 12))}</code>, ${version}</td>
<td class="time">${text(arrived.slice(0, 10))}<br>${text(arrived.slice(11, 19))}</td>
<td>${images}</td>
<td class="${state}"><b>${state}</b>${details.length > 0 ? `<br>${text(details.join('; '))}` : ''}</td>
<td>${deliveryList(exam)}</td>
</tr>`;
}

const deliveryList = ({ deliveries }: ExamStatus) =>
  deliveries.length === 0
    ? 'nothing'
    : `<ul>${deliveries
        .map(
          ({ destination, state, attempts, reason }) =>
            `<li>${text(destination)}: ${state}${reason === undefined ? '' : ` (${attempts} attempts; ${text(reason)})`}</li>`,
        )
        .join('')}</ul>`;

function duration(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(0)} s`;
  if (seconds < 7200) return `${(seconds / 60).toFixed(0)} min`;
  return `${(seconds / 3600).toFixed(0)} h`;
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const text = (value: string) => value.replace(/[&<>"']/g, (character) => escapes[character]);
