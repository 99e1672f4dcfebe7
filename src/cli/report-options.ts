import { Option } from 'commander';
import { papers } from '../report/clinical/report-input.js';
import { languages } from '../report/clinical/texts.js';

/** How a report looks; the same for every command that makes one. */
export const reportOptions = {
  paper: () =>
    new Option('--paper <size>', 'paper of the report').choices(Object.keys(papers)).default('a4'),
  language: () =>
    new Option('--language <code>', 'language of the report')
      .choices(Object.keys(languages))
      .default('en'),
};
