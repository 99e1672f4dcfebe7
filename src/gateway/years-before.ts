const daysInYear = 365.25;
const msInDay = 86_400_000;

/**
 * The date so many years before another one; of part of a year, in days.
 * @param date YYYYMMDD, as the result
 */
export function yearsBefore(date: string, years: number): string {
  const whole = Math.floor(years);
  const [year, month, day] = [date.slice(0, 4), date.slice(4, 6), date.slice(6)].map(Number);
  const days = Math.round((years - whole) * daysInYear);
  const then = new Date(Date.UTC(year - whole, month - 1, day) - days * msInDay);
  return then.toISOString().slice(0, 10).replaceAll('-', '');
}
